"""Control calls: one JSON object, its keys are what to change or do, one after the other; over HTTP, on the command line, or as a line on stdin."""


class Control:
    """`doers` maps a key to a function of its value; faults know the rest."""

    def __init__(self, faults, doers):
        self.faults, self.doers = faults, doers

    def call(self, members):
        """Does what the keys say; gives what those answered that had something to answer."""
        answers = {}
        for key, value in members.items():
            if key == "reset":
                self.faults.forget_rules()
            elif key == "forget":
                self.faults.forget_counts()
            elif key == "counters":
                answers[key] = self.counters()
            elif key in self.doers:
                answer = self.doers[key](value)
                if answer is not None:
                    answers[key] = answer
            elif not self.faults.set(key, value):
                raise KeyError(key)
        return answers

    def counters(self):
        return self.faults.counters()
