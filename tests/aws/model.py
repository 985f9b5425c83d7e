"""AWS's own service models: every request that we answer ourselves, and every answer, is checked against them."""

import functools

import botocore.session

# As requests name the services, and as botocore does; with the error that the service gives for a request that breaks its model.
SERVICES = {
    "Logs_20140328": ("logs", "InvalidParameterException"),
    "RedshiftData": ("redshift-data", "ValidationException"),
    "AmazonAthena": ("athena", "InvalidRequestException"),
    "MWAA": ("mwaa", "ValidationException"),
}

KINDS = {
    "string": str,
    "integer": int,
    "long": int,
    "float": (int, float),
    "double": (int, float),
    "timestamp": (int, float),
    "boolean": bool,
    "list": list,
    "map": dict,
    "structure": dict,
    "blob": str,
}


@functools.cache
def service_model(service):
    return botocore.session.Session().get_service_model(SERVICES[service][0])


def knows(service, operation):
    return operation in service_model(service).operation_names


def request_faults(service, operation, members):
    """What a request has against its model. Members that the model does not know are ignored, as the services do."""
    shape = service_model(service).operation_model(operation).input_shape
    return [] if shape is None else list(_faults(shape, members, "", False))


def answer_faults(service, operation, members):
    """What an answer has against its model: an unknown member, a wrong kind, a missing member, a value out of range."""
    shape = service_model(service).operation_model(operation).output_shape
    return [] if shape is None else list(_faults(shape, members, "", True))


def _faults(shape, value, place, strict):
    kind = shape.type_name
    wanted = KINDS[kind]
    if not isinstance(value, wanted) or (isinstance(value, bool) and kind != "boolean"):
        yield f"{place or 'body'}: {kind} expected, {type(value).__name__} given"
        return
    if kind == "structure":
        for name in shape.required_members:
            if value.get(name) is None:
                yield f"{place}.{name}: missing"
        for name, inner in value.items():
            if name not in shape.members:
                if strict:
                    yield f"{place}.{name}: not in the model"
            elif inner is not None:
                yield from _faults(shape.members[name], inner, f"{place}.{name}", strict)
            elif strict:
                yield f"{place}.{name}: null"
    elif kind == "list":
        # Services answer empty lists where their models ask for one item.
        if not strict:
            yield from _range(shape, len(value), place)
        for at, inner in enumerate(value[:200]):
            yield from _faults(shape.member, inner, f"{place}[{at}]", strict)
    elif kind == "map":
        for inner in value.values():
            yield from _faults(shape.value, inner, f"{place}{{}}", strict)
    elif kind == "string":
        yield from _range(shape, len(value), place)
        if shape.enum and value not in shape.enum:
            yield f"{place}: {value!r} is none of {', '.join(shape.enum)}"
    elif kind in ("integer", "long"):
        yield from _range(shape, value, place)


def _range(shape, size, place):
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if least is not None and size < least:
        yield f"{place}: {size} is less than {least}"
    if most is not None and size > most:
        yield f"{place}: {size} is more than {most}"
