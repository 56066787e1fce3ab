/** Owns how git is asked here: about one repository, without its hooks, prompts and pagers, and never about another one. */
import { execFile } from 'node:child_process';

/** Where the caller's environment points git somewhere (a hook does), neither git nor the test may follow. */
const POINTERS = [
  'GIT_DIR',
  'GIT_WORK_TREE',
  'GIT_COMMON_DIR',
  'GIT_INDEX_FILE',
  'GIT_PREFIX',
  'GIT_NAMESPACE',
  'GIT_OBJECT_DIRECTORY',
  'GIT_ALTERNATE_OBJECT_DIRECTORIES',
  'GIT_GRAFT_FILE',
  'GIT_SHALLOW_FILE',
  'GIT_REFLOG_ACTION',
];

const CONFIG = ['core.hooksPath=/dev/null', 'core.quotePath=false', 'gc.auto=0', 'advice.detachedHead=false'];
const MAX_OUTPUT_BYTES = 256 * 1024 * 1024;
const MAX_ERROR_CHARS = 1_000;

/** The environment without what points git to a repository. @returns {NodeJS.ProcessEnv} */
export const ownEnvironment = () =>
  Object.fromEntries(Object.entries(process.env).filter(([name]) => !POINTERS.includes(name)));

const gitEnvironment = () => ({
  ...ownEnvironment(),
  LC_ALL: 'C',
  GIT_TERMINAL_PROMPT: '0',
  GIT_OPTIONAL_LOCKS: '0',
  GIT_LITERAL_PATHSPECS: '1',
});

/** Git refused: its own words. */
export class GitRefusal extends Error {}

/** @param {string} said */
const lastWords = (said) => {
  const lines = said.trim().split('\n');
  return (lines.findLast((line) => line.startsWith('fatal:')) ?? lines.at(-1) ?? '').slice(0, MAX_ERROR_CHARS);
};

/**
 * What git prints, without the last line feed.
 * @param {string} cwd
 * @param {readonly string[]} args
 * @param {{ stdin?: string, signal?: AbortSignal }} [options]
 * @returns {Promise<string>}
 * @throws {GitRefusal} and the reason of the signal
 */
export const git = (cwd, args, { stdin, signal } = {}) =>
  new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const all = ['--no-pager', ...CONFIG.flatMap((setting) => ['-c', setting]), ...args];
    const options = { cwd, env: gitEnvironment(), maxBuffer: MAX_OUTPUT_BYTES, ...(signal && { signal }) };
    const child = execFile('git', all, options, (error, stdout, stderr) => {
      if (error === null) resolve(stdout.replace(/\n$/, ''));
      else if (signal?.aborted === true) reject(signal.reason);
      else if (error.code === 'ENOENT') reject(new GitRefusal('git cannot be run here'));
      else reject(new GitRefusal(`git ${args[0]}: ${lastWords(stderr) || error.message}`, { cause: error }));
    });
    child.stdin?.on('error', () => undefined); // git ended before it had read all
    child.stdin?.end(stdin ?? '');
  });
