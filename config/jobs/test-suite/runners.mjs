/** Owns how each test runner is told to say of its tests what can be read. */
import { fileURLToPath } from 'node:url';
import { EVENTS_VARIABLE } from './format/events.mjs';

/**
 * Where the tests are told: on standard output in a format, in a file while the suite runs, or in JUnit files afterwards.
 * @typedef {{ kind: 'stdout', format: 'auto' | 'tap' | 'go-json' } | { kind: 'events', file: string } | { kind: 'junit', pattern: string }} Source
 *
 * @typedef {object} SuitePlan
 * @property {string} command for /bin/sh
 * @property {Source} source
 * @property {Readonly<Record<string, string>>} env added to the environment
 *
 * How a runner is started that a command line starts in the end.
 * @typedef {object} Call
 * @property {string} line the command line
 * @property {(flags: string) => string} withFlags the line with more arguments for the runner
 * @property {string} folder for files, absolute
 */

/** @param {string} name */
const reporter = (name) => quote(fileURLToPath(new URL(`./reporter/${name}.mjs`, import.meta.url)));

/** One word for /bin/sh. @param {string} text */
export const quote = (text) => (/^[\w./:=,@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`);

/** @param {string} folder */
const eventsOf = (folder) => {
  const file = `${folder}/events.jsonl`;
  return { source: /** @type {const} */ ({ kind: 'events', file }), env: { [EVENTS_VARIABLE]: file } };
};

/** @param {string} folder */
const junitOf = (folder) => {
  const pattern = `${folder}/junit.xml`;
  return { file: quote(pattern), source: /** @type {const} */ ({ kind: 'junit', pattern }), env: {} };
};

/** In quotes of NODE_OPTIONS. @param {string} path */
const nodeQuoted = (path) => `"${path.replaceAll(/["\\]/g, String.raw`\$&`)}"`;

/**
 * By what the environment says, since options behind the names of files are not Node's. A destination has to be a file:
 * Node syncs it, which /dev/null refuses.
 * @param {Call} call @returns {SuitePlan}
 */
const planNode = ({ line, folder }) => {
  const { source, env } = eventsOf(folder);
  const ours = nodeQuoted(fileURLToPath(new URL('./reporter/node.mjs', import.meta.url)));
  const options = [
    process.env['NODE_OPTIONS'] ?? '',
    '--test-reporter=spec --test-reporter-destination=stdout',
    `--test-reporter=${ours} --test-reporter-destination=${nodeQuoted(`${folder}/nothing`)}`,
  ];
  return { command: line, source, env: { ...env, NODE_OPTIONS: options.join(' ').trim() } };
};

/** @type {readonly { isIt: RegExp, plan: (call: Call) => SuitePlan }[]} */
const RUNNERS = [
  {
    isIt: /\bvitest\b(?!.*--reporter)/,
    plan: ({ withFlags, folder }) => ({
      command: withFlags(`--reporter=default --reporter=${reporter('vitest')}`),
      ...eventsOf(folder),
    }),
  },
  {
    isIt: /(?:\bjest\b|\breact-scripts test\b)(?!.*--reporters)/,
    plan: ({ withFlags, folder }) => ({
      command: withFlags(`--reporters=default --reporters=${reporter('jest')}`),
      ...eventsOf(folder),
    }),
  },
  { isIt: /\bnode\b.*\s--test(?!.*--test-reporter)(?:\s|$)/, plan: planNode },
  {
    isIt: /\bmocha\b(?!.*(?:--reporter|-R)\b)/,
    plan: ({ withFlags }) => ({
      command: withFlags('--reporter=tap --reporter-option=tapVersion=13'),
      source: { kind: 'stdout', format: 'tap' },
      env: {},
    }),
  },
  {
    isIt: /\bava\b(?!.*--tap)/,
    plan: ({ withFlags }) => ({ command: withFlags('--tap'), source: { kind: 'stdout', format: 'tap' }, env: {} }),
  },
  {
    isIt: /\bplaywright test\b(?!.*--reporter)/,
    plan: ({ withFlags, folder }) => {
      const { file, source } = junitOf(folder);
      const env = { PLAYWRIGHT_JUNIT_OUTPUT_FILE: file, PLAYWRIGHT_JUNIT_OUTPUT_NAME: file };
      return { command: withFlags('--reporter=list,junit'), source, env };
    },
  },
  {
    isIt: /\bgo test\b(?!.*\s-json\b)/,
    plan: ({ line }) => ({
      command: line.replace(/\bgo test\b/, 'go test -json'),
      source: { kind: 'stdout', format: 'go-json' },
      env: {},
    }),
  },
  {
    isIt: /\bpytest\b(?!.*--junit-?xml)/,
    plan: ({ withFlags, folder }) => {
      const { file, ...rest } = junitOf(folder);
      return { command: withFlags(`--junitxml=${file}`), ...rest };
    },
  },
  {
    isIt: /\bphpunit\b(?!.*--log-junit)/,
    plan: ({ withFlags, folder }) => {
      const { file, ...rest } = junitOf(folder);
      return { command: withFlags(`--log-junit ${file}`), ...rest };
    },
  },
  {
    isIt: /\bdeno test\b(?!.*--junit-path)/,
    plan: ({ line, folder }) => {
      const { file, ...rest } = junitOf(folder);
      return { command: line.replace(/\bdeno test\b/, `deno test --junit-path=${file}`), ...rest };
    },
  },
  {
    isIt: /\bmvnw?\b/,
    plan: ({ line }) => ({
      command: line,
      source: { kind: 'junit', pattern: '**/target/surefire-reports/*.xml' },
      env: {},
    }),
  },
  {
    isIt: /\bgradlew?\b/,
    plan: ({ line }) => ({
      command: line,
      source: { kind: 'junit', pattern: '**/build/test-results/**/*.xml' },
      env: {},
    }),
  },
];

/** What a command line starts last: that is what takes arguments at its end. @param {string} line */
const lastCommand = (line) =>
  line
    .split(/&&|\|\||[;|\n]/)
    .at(-1)
    ?.trim() ?? '';

/**
 * How a command line is run so that its tests can be read; of a runner that is not known, what it prints is looked at.
 * @param {string} line
 * @param {{ script?: string, folder: string }} options `script`: what the line starts, if that is another command line
 * @returns {SuitePlan}
 */
export const planLine = (line, { script, folder }) => {
  const last = lastCommand(script ?? line);
  const runner = RUNNERS.find(({ isIt }) => isIt.test(last));
  if (runner === undefined) return { command: line, source: { kind: 'stdout', format: 'auto' }, env: {} };
  const withFlags = (/** @type {string} */ flags) =>
    script === undefined ? `${line} ${flags}` : `${line} -- ${flags}`;
  return runner.plan({ line, withFlags, folder });
};
