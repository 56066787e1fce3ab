/** Owns `docs/reference/jobs.md`: the fields of a job file, the tools, what expressions know. */
import { JOB_FIELDS, NIKA_FIELDS, STEP_FIELDS } from '../../src/config/expression/evaluate.ts';
import { jobSchema } from '../../src/config/job/job.ts';
import { TOOL_INPUT_SCHEMAS } from '../../src/config/job/tool-inputs.ts';
import { schemaTable } from './schema-table.ts';

const list = (names: readonly string[]): string => names.map((name) => `\`${name}\``).join(', ');

const expressions = [
  '`${{ … }}` may stand in any text of a job file. A text that is one expression and nothing else keeps the value’s type. In a command line of `shell` each value is quoted, so an input never becomes code.',
  'What quoting does not do: a value that begins with a dash is still an option to the program that gets it, in a command line and in `argv` alike. `git log ${{ inputs.since }}` with `--output=x` writes a file. Put what ends the options before it (`--end-of-options` for git, `--` for most others), or glue it to its option (`--since=${{ inputs.since }}`). Nor does it make a value harmless for a program that runs what it is given: `sh -c`, `eval`, `xargs`, `ssh`, `node -e`, `find -exec`.',
  [
    '| name | |',
    '|---|---|',
    '| `inputs.<name>` | what was given with `--input`, or the default |',
    `| \`steps.<id>.<field>\` | of an earlier step: ${list(STEP_FIELDS)} |`,
    `| \`job.<field>\` | ${list(JOB_FIELDS)} |`,
    `| \`nika.<field>\` | ${list(NIKA_FIELDS)} |`,
    '| `env.<NAME>` | the environment |',
  ].join('\n'),
  'Operators: `== != < <= > >= && || !` and parentheses. Functions: `contains(a, b)`, `starts_with(a, b)`, `default(a, b)`, `json(x)`; in `if` also `success()`, `failure()`, `always()`.',
  'A step whose `if` has none of these three runs only while no step has failed; after a failure `failure()` and `always()` run. After an end from outside (Ctrl-C, a timeout or limit of the job) no further step begins, not even one with `always()`: what must be tidied up then, the running tool has to do itself when it is told to end.',
];

export const jobReference = (): string =>
  [
    '# Jobs',
    'A job is `<home>/config/jobs/<job>.yaml` (or `.yml`, `.json`). Jobs that nika ships are found last. Check one with `nika job check <job>`.',
    schemaTable(jobSchema, 'input'),
    '## Expressions',
    ...expressions,
    '## Tools',
    ...Object.entries(TOOL_INPUT_SCHEMAS).flatMap(([name, schema]) => [
      `### \`${name}\``,
      schemaTable(schema, 'input'),
    ]),
  ].join('\n\n');
