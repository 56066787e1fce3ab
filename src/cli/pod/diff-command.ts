/** Owns `nika pod diff`. */
import type { Command } from 'commander';
import { NikaError } from '../../model/error.ts';
import type { PodRecord, WorktreeRecord } from '../../pod/registry/pod-record.ts';
import { printable } from '../format.ts';
import type { Terminal } from '../terminal.ts';
import { namedPods, openPodContext } from './pod-context.ts';

interface DiffFlags {
  readonly stat?: true;
  readonly nameOnly?: true;
  readonly json?: true;
  readonly home?: string;
}

interface Wish {
  readonly record: PodRecord;
  readonly worktree: WorktreeRecord;
  readonly paths: readonly string[];
  readonly flags: DiffFlags;
  readonly terminal: Terminal;
}

/** Where it is looked for, and between what. */
interface Compared {
  readonly dir: string;
  /** One: against the files as they stand. */
  readonly revisions: readonly string[];
  readonly set: Readonly<Record<string, string>>;
}

const NEVER = new AbortController().signal;

const gone = ({ entity }: PodRecord, { path, base, head }: WorktreeRecord): NikaError => {
  const nothing = head === base ? 'nothing was changed in it' : 'what was committed in it is not there either';
  return new NikaError('NIKA_WORKTREE_NONE', `the worktree of ${entity} is gone, and ${nothing}: ${path}`, {
    subject: entity,
  });
};

/** Of a worktree that was removed: what was committed in it, where the repository still has that. */
const comparedInHistory = async ({ record, worktree, terminal }: Wish): Promise<Compared> => {
  const [{ readBranch }, { tryGit }] = await Promise.all([
    import('../../pod/worktree/git/worktree-tip.ts'),
    import('../../pod/worktree/git/git.ts'),
  ]);
  const { git_dir: dir, base } = worktree;
  const { env } = terminal;
  const head = (await readBranch(worktree, env, NEVER)) ?? worktree.head ?? base;
  const there = await tryGit({ dir, args: ['cat-file', '-e', `${head}^{commit}`], env }, NEVER);
  if (head === base || there.kind !== 'done') throw gone(record, worktree);
  terminal.warn(`its worktree is gone: this is what was committed (${worktree.branch})`);
  return { dir, revisions: [base, head], set: {} };
};

const tellJson = async ({ record, worktree, paths, terminal }: Wish, compared: Compared): Promise<void> => {
  const { readFileChanges } = await import('../../pod/worktree/git/file-changes.ts');
  const { path, branch, base } = worktree;
  const files = await readFileChanges({ ...compared, paths, env: terminal.env });
  const sum = (of: 'insertions' | 'deletions'): number => files.reduce((total, file) => total + (file[of] ?? 0), 0);
  const totals = { insertions: sum('insertions'), deletions: sum('deletions') };
  terminal.print(`${JSON.stringify({ id: record.entity, path, branch, base, ...totals, files })}\n`);
};

const show = async ({ paths, flags, terminal }: Wish, { dir, revisions, set }: Compared): Promise<void> => {
  const { passGit } = await import('../../pod/worktree/git/pass-git.ts');
  const form = [...(flags.stat === true ? ['--stat'] : []), ...(flags.nameOnly === true ? ['--name-only'] : [])];
  const args = ['diff', ...form, ...revisions, '--', ...paths];
  process.exitCode = await passGit({ dir, args, env: terminal.env, set: { ...set, GIT_OPTIONAL_LOCKS: '0' } });
};

export const diff = async (
  name: string,
  paths: readonly string[],
  flags: DiffFlags,
  terminal: Terminal,
): Promise<void> => {
  const [{ isStanding, worktreeOf }, { openWholeIndex }] = await Promise.all([
    import('../../pod/worktree/named-worktree.ts'),
    import('../../pod/worktree/git/changes.ts'),
  ]);
  const [record] = await namedPods([name], await openPodContext(flags.home, terminal));
  if (record === undefined) return;
  const worktree = worktreeOf(record);
  const wish: Wish = { record, worktree, paths, flags, terminal };
  const tell = flags.json === true ? tellJson : show;
  if (!isStanding(worktree)) return tell(wish, await comparedInHistory(wish));
  using index = await openWholeIndex(worktree.path, terminal.env, NEVER);
  if (index.gap !== undefined) terminal.warn(`some untracked files may be missing: ${printable(index.gap)}`);
  await tell(wish, { dir: worktree.path, revisions: [worktree.base], set: index.set });
};

export const addDiffCommand = (pod: Command, terminal: Terminal): void => {
  pod
    .command('diff')
    .description('Shows what a pod changed in its git worktree: committed, not committed, and new files.')
    .argument('<id>', 'id, unique prefix, name of a job, or @last')
    .argument('[path...]', 'only these, behind --; as the diff names them')
    .option('--stat', 'how many lines of which files')
    .option('--name-only', 'which files')
    .option('--json', 'one JSON object: base, files with status, insertions, deletions')
    .option('--home <dir>', 'the home: config/, _bus/, logs/, run/')
    .addHelpText(
      'after',
      `
It compares with the commit that the pod began from, while it runs and after it. Colours, pager and the like are as git
is configured to show a diff.

Examples:
  $ nika pod diff @last
  $ nika pod diff k3f9 --stat
  $ nika pod diff k3f9 -- src/api
  $ nika pod diff k3f9 | git apply --check`,
    )
    .action((name: string, paths: string[], flags: DiffFlags) => diff(name, paths, flags, terminal));
};
