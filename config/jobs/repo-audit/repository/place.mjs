/** Owns what kind of place the audited folder is: in a git repository that may be read, or a folder and nothing more. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { askGit, lastWords } from './git.mjs';

/**
 * `prefix`: where the folder lies in its repository (`packages/core/`), empty at the top; `top`: absolute path of that
 * top; `headProblem`: what git says of a HEAD that it cannot read, empty where it can.
 * @typedef {object} GitPlace
 * @property {'git'} kind
 * @property {string} root absolute path of the audited folder
 * @property {string} prefix
 * @property {string} top
 * @property {boolean} isBare
 * @property {boolean} isShallow
 * @property {boolean} hasCommits
 * @property {string} headProblem
 *
 * `reason` is a sentence for people; `isRefused`: git is there and could tell, but does not or cannot; `remedy`: a
 * command that changes that, if there is one.
 * @typedef {object} FolderPlace
 * @property {'folder'} kind
 * @property {string} root
 * @property {string} reason
 * @property {boolean} isRefused
 * @property {string} remedy
 *
 * @typedef {GitPlace | FolderPlace} Place
 */

/** @param {string} root @param {string} reason @param {Partial<FolderPlace>} [more] @returns {FolderPlace} */
const folder = (root, reason, more) => ({ kind: 'folder', root, reason, isRefused: false, remedy: '', ...more });

/** @param {string} root @param {string} reason */
const refused = (root, reason, remedy = '') => folder(root, reason, { isRefused: true, remedy });

/** As one word for a shell. @param {string} word */
const quoted = (word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`);

/** The folder at or above `root` that has a `.git`, whether git can read it or not. @param {string} root @returns {string | undefined} */
const controlFolderAbove = (root) => {
  for (let at = root; ; at = dirname(at)) {
    if (existsSync(join(at, '.git'))) return join(at, '.git');
    if (at === dirname(at)) return undefined;
  }
};

/** @param {string} root @param {string} error what git had to say @returns {FolderPlace} */
const placeOfFailure = (root, error) => {
  if (/not a git repository/.test(error)) {
    const control = controlFolderAbove(root);
    if (control === undefined) return folder(root, 'No git repository here.');
    return refused(root, `There is ${control}, but git cannot read it: ${lastWords(error)}`);
  }
  if (/dubious ownership/.test(error)) {
    const path = /repository at '(.*)'/.exec(error)?.[1] ?? root;
    const reason = 'Git refuses to read this repository: its files belong to another user.';
    return refused(root, reason, `git config --global --add safe.directory ${quoted(path)}`);
  }
  return refused(root, `Git cannot read this repository: ${lastWords(error)}`);
};

/** What the first question to git tells. */
const QUESTION = [
  'rev-parse',
  '--is-bare-repository',
  '--is-inside-work-tree',
  '--is-shallow-repository',
  '--show-prefix',
];

/**
 * @param {string} root absolute path
 * @returns {Promise<Place>}
 */
export const lookAtPlace = async (root) => {
  const { end, lines } = await askGit(root, QUESTION);
  if (end.kind === 'missing') return folder(root, 'Git is not installed here, so its history is not told.');
  if (end.kind === 'stopped') return refused(root, 'Git did not answer in time.');
  if (end.kind === 'failed') return placeOfFailure(root, end.error);
  const [isBare, isInside, isShallow, ...prefix] = lines;
  const isPart = isBare !== 'true' && prefix.join('') !== '';
  if (isBare !== 'true' && isInside !== 'true')
    return folder(root, 'This folder does not belong to the work tree of its git repository.');
  if (isPart && existsSync(join(root, '.git')))
    return refused(root, `There is ${join(root, '.git')}, but git does not take it for a repository.`);
  if (isPart && (await isIgnored(root))) return folder(root, 'The git repository around this folder ignores it.');
  return {
    kind: 'git',
    root,
    prefix: prefix.join('\n'),
    top: isPart ? await topOf(root) : root,
    isBare: isBare === 'true',
    isShallow: isShallow === 'true',
    ...(await lookAtHead(root)),
  };
};

/** Whether there are commits; of a HEAD that cannot be read it is said why, and not that there are none. @param {string} root */
const lookAtHead = async (root) => {
  const { end } = await askGit(root, ['log', '--max-count=1', '--no-show-signature', '--format=%h']);
  const isUnborn = end.kind === 'failed' && /does not have any commits yet/.test(end.error);
  const headProblem = end.kind !== 'failed' || isUnborn ? '' : lastWords(end.error);
  return { hasCommits: end.kind === 'done', headProblem };
};

/** @param {string} root */
const topOf = async (root) => {
  const { lines } = await askGit(root, ['rev-parse', '--show-toplevel']);
  return lines.join('\n') || root;
};

/** @param {string} root */
const isIgnored = async (root) => {
  const { end } = await askGit(root, ['check-ignore', '--quiet', '.']);
  return end.kind === 'done';
};
