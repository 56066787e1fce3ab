/**
 * Owns how git is asked: read-only, without locks, prompts, pagers or network, and without running anything that the
 * repository brings along.
 *
 * A1. Nothing of the repository is run: no hook, file monitor, external diff, text conversion or signature check.
 * A2. Output is streamed record by record; what is kept in memory is bounded by the caller and by the deadline.
 */
import { spawn, spawnSync } from 'node:child_process';

/** Of the caller's `GIT_*` variables only these reach git: others could point it at another repository. */
const KEPT_VARIABLES =
  /^GIT_(CONFIG_(GLOBAL|SYSTEM|NOSYSTEM|COUNT|KEY_\d+|VALUE_\d+)|EXEC_PATH|CEILING_DIRECTORIES|DISCOVERY_ACROSS_FILESYSTEM)$/;

const SAFE_CONFIG = [
  'core.fsmonitor=false',
  'core.hooksPath=/dev/null',
  'core.pager=cat',
  'core.quotePath=false',
  'core.askPass=',
  'credential.helper=',
  'diff.external=',
  'log.showSignature=false',
  'gc.auto=0',
  'maintenance.auto=false',
];

const MAX_ERROR_BYTES = 4096;
/** A record longer than this (a file name of a megabyte is no file name) ends the reading. */
const MAX_RECORD_BYTES = 1024 * 1024;

/**
 * How a question to git ended. `stopped`: the deadline passed, or the receiver had enough; what came before was handed over.
 * @typedef {{ kind: 'done' } | { kind: 'stopped' } | { kind: 'missing' } | { kind: 'failed', error: string }} GitEnd
 */

/**
 * @typedef {object} GitQuestion
 * @property {string} cwd
 * @property {readonly string[]} args
 * @property {number} [withinMs] default 20,000
 * @property {number} [separator] the byte that ends a record; default NUL
 */

/** @returns {NodeJS.ProcessEnv} */
const gitEnvironment = () => {
  /** @type {NodeJS.ProcessEnv} */
  const env = {};
  for (const [name, value] of Object.entries(process.env)) {
    if (!name.startsWith('GIT_') || KEPT_VARIABLES.test(name)) env[name] = value;
  }
  return {
    ...env,
    LC_ALL: 'C',
    TZ: 'UTC',
    GIT_OPTIONAL_LOCKS: '0',
    GIT_TERMINAL_PROMPT: '0',
    GIT_PAGER: 'cat',
    GIT_ALLOW_PROTOCOL: 'none', // a partial clone would fetch what it lacks
    GIT_NO_LAZY_FETCH: '1',
  };
};

/** @param {readonly string[]} args */
const safely = (args) => ['--no-pager', ...SAFE_CONFIG.flatMap((setting) => ['-c', setting]), ...args];

/** Cuts a stream of bytes into records; `take` returns false when it has had enough. */
class RecordSplitter {
  /** @type {Buffer[]} */
  #parts = [];
  #pendingBytes = 0;
  /** @param {number} separator @param {(record: string) => boolean} take */
  constructor(separator, take) {
    this.separator = separator;
    this.take = take;
  }

  /** @param {Buffer} chunk @returns {boolean} whether more is wanted */
  push(chunk) {
    let from = 0;
    for (let at = chunk.indexOf(this.separator); at >= 0; at = chunk.indexOf(this.separator, from)) {
      if (!this.#end(chunk.subarray(from, at))) return false;
      from = at + 1;
    }
    if (from < chunk.length) this.#keep(chunk.subarray(from));
    return this.#pendingBytes <= MAX_RECORD_BYTES;
  }

  /** The record without a separator at its end, if there is one. */
  finish() {
    if (this.#pendingBytes > 0) this.#end(Buffer.alloc(0));
  }

  /** @param {Buffer} bytes */
  #keep(bytes) {
    this.#parts.push(bytes);
    this.#pendingBytes += bytes.length;
  }

  /** @param {Buffer} bytes */
  #end(bytes) {
    if (this.#pendingBytes === 0) return this.take(bytes.toString('latin1'));
    this.#keep(bytes);
    const record = Buffer.concat(this.#parts).toString('latin1');
    this.#parts = [];
    this.#pendingBytes = 0;
    return this.take(record);
  }
}

/**
 * Asks git and hands each record over as it comes, as a string of bytes (latin1): names of files need not be UTF-8.
 * @param {GitQuestion} question
 * @param {(record: string) => boolean | void} onRecord false: enough, git is ended
 * @returns {Promise<GitEnd>} never rejects
 */
export const streamGit = ({ cwd, args, withinMs = 20_000, separator = 0 }, onRecord) =>
  new Promise((resolve) => {
    const child = spawn('git', safely(args), { cwd, env: gitEnvironment(), stdio: ['ignore', 'pipe', 'pipe'] });
    const records = new RecordSplitter(separator, (record) => onRecord(record) !== false);
    let isStopped = false;
    let error = '';
    const stop = () => {
      isStopped = true;
      child.kill('SIGKILL');
    };
    const timer = setTimeout(stop, withinMs);
    child.stdout.on('data', (/** @type {Buffer} */ chunk) => {
      if (!isStopped && !records.push(chunk)) stop();
    });
    child.stderr.on('data', (/** @type {Buffer} */ chunk) => {
      if (error.length < MAX_ERROR_BYTES) error += chunk.toString('utf8');
    });
    child.on('error', (thrown) => {
      clearTimeout(timer);
      const isMissing = 'code' in thrown && thrown.code === 'ENOENT';
      resolve(isMissing ? { kind: 'missing' } : { kind: 'failed', error: thrown.message });
    });
    child.on('close', (code) => {
      clearTimeout(timer);
      if (!isStopped) records.finish();
      if (isStopped) resolve({ kind: 'stopped' });
      else resolve(code === 0 ? { kind: 'done' } : { kind: 'failed', error: error.trim().slice(0, MAX_ERROR_BYTES) });
    });
  });

const AT_ONCE_MS = 20_000;

/**
 * Asks git and waits for all of its answer: for those who cannot wait for records. What comes is told, whatever the end.
 * @param {string} cwd
 * @param {readonly string[]} args
 * @param {{ stdin: string, maxBytes: number }} limits of what is longer there is the beginning
 */
export const askGitAtOnce = (cwd, args, { stdin, maxBytes }) =>
  spawnSync('git', safely(args), {
    cwd,
    env: gitEnvironment(),
    input: stdin,
    maxBuffer: maxBytes,
    stdio: ['pipe', 'pipe', 'ignore'],
    timeout: AT_ONCE_MS,
    killSignal: 'SIGKILL',
  }).stdout ?? Buffer.alloc(0);

/** Of what git said before it gave up, the line that tells why. @param {string} error */
export const lastWords = (error) => {
  const lines = error.split('\n');
  return lines.findLast((line) => line.startsWith('fatal:')) ?? lines[0] ?? '';
};

/**
 * Asks git something that has a short answer.
 * @param {string} cwd
 * @param {readonly string[]} args
 * @returns {Promise<{ end: GitEnd, lines: string[] }>} at most 10,000 lines, decoded as UTF-8
 */
export const askGit = async (cwd, args) => {
  /** @type {string[]} */
  const lines = [];
  const end = await streamGit({ cwd, args, separator: 10 }, (line) => {
    lines.push(Buffer.from(line, 'latin1').toString('utf8'));
    return lines.length < 10_000;
  });
  return { end, lines };
};
