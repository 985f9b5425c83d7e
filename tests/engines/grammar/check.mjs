// Holds SQL against a grammar. Standard input: [{"grammar": "trino" | "hive", "text": "…"}]; standard output: for each text, what is wrong with it.
import { readFileSync } from "node:fs";
import { HiveSQL } from "dt-sql-parser/dist/parser/hive";
import { TrinoSQL } from "dt-sql-parser/dist/parser/trino";

// The parsers print there what they answer too.
console.error = () => {};
const grammars = { hive: new HiveSQL(), trino: new TrinoSQL() };
const told = JSON.parse(readFileSync(0, "utf8")).map(({ grammar, text }) =>
  grammars[grammar].validate(text).map((it) => `line ${it.startLine}, column ${it.startColumn}: ${it.message}`),
);
console.log(JSON.stringify(told));
