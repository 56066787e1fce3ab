/** Owns what kind of place the audited folder is: in a git repository that may be read, or a folder and nothing more. */
import { askGit, lastWords } from './git.mjs';

/**
 * `prefix`: where the folder lies in its repository (`packages/core/`), empty at the top.
 * @typedef {object} GitPlace
 * @property {'git'} kind
 * @property {string} root absolute path of the audited folder
 * @property {string} prefix
 * @property {boolean} isBare
 * @property {boolean} isShallow
 * @property {boolean} hasCommits
 *
 * `reason` is a sentence for people; `isRefused`: git is there and could tell, but does not trust the owner.
 * @typedef {object} FolderPlace
 * @property {'folder'} kind
 * @property {string} root
 * @property {string} reason
 * @property {boolean} isRefused
 *
 * @typedef {GitPlace | FolderPlace} Place
 */

/** @param {string} root @param {string} reason @returns {FolderPlace} */
const folder = (root, reason, isRefused = false) => ({ kind: 'folder', root, reason, isRefused });

/** @param {string} root @param {string} error what git had to say @returns {FolderPlace} */
const placeOfFailure = (root, error) => {
  if (/not a git repository/.test(error)) return folder(root, 'No git repository here.');
  if (/dubious ownership/.test(error)) {
    const reason =
      'Git refuses to read this repository: its files belong to another user. If you trust it, run ' +
      '"git config --global --add safe.directory <folder>" and audit again.';
    return folder(root, reason, true);
  }
  return folder(root, `Git cannot read this repository: ${lastWords(error)}`, true);
};

/**
 * @param {string} root absolute path
 * @returns {Promise<Place>}
 */
export const lookAtPlace = async (root) => {
  const asked = [
    'rev-parse',
    '--is-bare-repository',
    '--is-inside-work-tree',
    '--is-shallow-repository',
    '--show-prefix',
  ];
  const { end, lines } = await askGit(root, asked);
  if (end.kind === 'missing') return folder(root, 'Git is not installed here, so its history is not told.');
  if (end.kind === 'stopped') return folder(root, 'Git did not answer in time.', true);
  if (end.kind === 'failed') return placeOfFailure(root, end.error);
  const [isBare, isInside, isShallow, ...prefix] = lines;
  if (isBare !== 'true' && isInside !== 'true')
    return folder(root, 'This folder does not belong to the work tree of its git repository.');
  if (isBare !== 'true' && prefix.join('') !== '' && (await isIgnored(root))) {
    return folder(root, 'The git repository around this folder ignores it.');
  }
  const head = await askGit(root, ['rev-parse', '--verify', '--quiet', 'HEAD^{commit}']);
  return {
    kind: 'git',
    root,
    prefix: prefix.join('\n'),
    isBare: isBare === 'true',
    isShallow: isShallow === 'true',
    hasCommits: head.end.kind === 'done',
  };
};

/** @param {string} root */
const isIgnored = async (root) => {
  const { end } = await askGit(root, ['check-ignore', '--quiet', '.']);
  return end.kind === 'done';
};
