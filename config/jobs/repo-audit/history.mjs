/** Tells what git knows of the repository: branch, remotes, tags, commits, authors, size. */
import { COMMIT_FORMAT, CommitCount } from './history/commit-count.mjs';
import { readRemotes } from './history/remotes.mjs';
import { askGit, lastWords, streamGit } from './repository/git.mjs';
import { plainText } from './repository/path-text.mjs';
import { printSection } from './repository/section.mjs';

const LOG_BUDGET_MS = 25_000;

/**
 * @typedef {object} HistoryFacts
 * @property {'git'} state
 * @property {string} branch empty where HEAD is detached
 * @property {string} head short hash of the commit; empty where there is none
 * @property {boolean} isWorktree a linked worktree of another checkout
 * @property {boolean} isShallow
 * @property {boolean} isPartial some of its objects are only on the remote
 * @property {{ name: string, url: string }[]} remotes
 * @property {number} branchCount local ones
 * @property {number} tagCount
 * @property {string} latestTag
 * @property {number} packedBytes size of the history on disk
 * @property {string} problem why it is not all told; empty where it is
 * @property {import('./history/commit-count.mjs').CommitFacts} commits of HEAD
 *
 * @typedef {HistoryFacts | { state: 'none', reason: string }} HistorySection
 */

/** @param {string} root @param {readonly string[]} args */
const firstLine = async (root, args) => {
  const { end, lines } = await askGit(root, args);
  return end.kind === 'done' ? plainText(lines[0] ?? '', 120) : '';
};

/** @param {string} root @param {readonly string[]} args */
const lineCount = async (root, args) => {
  let count = 0;
  await streamGit({ cwd: root, args, separator: 10 }, () => {
    count += 1;
  });
  return count;
};

/** @param {string} root bytes of packs and loose objects */
const packedBytes = async (root) => {
  const { lines } = await askGit(root, ['count-objects', '-v']);
  const kib = lines.map((line) => /^size(?:-pack)?: (\d+)$/.exec(line)?.[1]).filter((size) => size !== undefined);
  return kib.reduce((sum, size) => sum + Number(size) * 1024, 0);
};

/** @param {string} root */
const isWorktree = async (root) => {
  const { lines } = await askGit(root, ['rev-parse', '--path-format=absolute', '--git-dir', '--git-common-dir']);
  return lines.length === 2 && lines[0] !== lines[1];
};

/** @param {string} root */
const isPartial = async (root) => {
  const { lines } = await askGit(root, [
    'config',
    '--get-regexp',
    String.raw`^remote\..*\.(promisor|partialclonefilter)$`,
  ]);
  return lines.length > 0;
};

/** @param {import('./repository/place.mjs').GitPlace} place */
const countCommits = async (place) => {
  const commits = new CommitCount();
  if (!place.hasCommits) return { commits, problem: '' };
  const args = ['log', '-z', '--no-show-signature', '--no-color', COMMIT_FORMAT, 'HEAD', '--'];
  const path = place.prefix === '' ? [] : ['.'];
  const end = await streamGit({ cwd: place.root, args: [...args, ...path], withinMs: LOG_BUDGET_MS }, (record) =>
    commits.take(record),
  );
  if (end.kind === 'stopped')
    return { commits, problem: `There are more commits than could be counted in ${LOG_BUDGET_MS / 1000} s.` };
  return {
    commits,
    problem: end.kind === 'failed' ? `git log ended early: ${plainText(lastWords(end.error), 200)}` : '',
  };
};

await printSection('history', async ({ place, top }) => {
  if (place.kind === 'folder') return { state: 'none', reason: plainText(place.reason, 300) };
  const { root } = place;
  if (place.headProblem !== '')
    return { state: 'none', reason: plainText(`Git cannot read HEAD: ${place.headProblem}`, 300) };
  const { commits, problem } = await countCommits(place);
  return {
    state: 'git',
    branch: await firstLine(root, ['symbolic-ref', '--quiet', '--short', 'HEAD']),
    head: await firstLine(root, ['rev-parse', '--short', '--verify', '--quiet', 'HEAD']),
    isWorktree: await isWorktree(root),
    isShallow: place.isShallow,
    isPartial: await isPartial(root),
    remotes: await readRemotes(root),
    branchCount: await lineCount(root, ['for-each-ref', '--format=x', 'refs/heads']),
    tagCount: await lineCount(root, ['for-each-ref', '--format=x', 'refs/tags']),
    latestTag: await firstLine(root, [
      'for-each-ref',
      '--count=1',
      '--sort=-creatordate',
      '--format=%(refname:short)',
      'refs/tags',
    ]),
    packedBytes: await packedBytes(root),
    problem,
    commits: commits.facts(top),
  };
});
