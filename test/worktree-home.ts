/** Owns a home whose folder of work is a git repository with one commit, and how tests look at the worktrees of its pods. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { entityIdSchema } from '../src/model/id.ts';
import type { PodRecord } from '../src/pod/registry/pod-record.ts';
import { type Ended, TestHome } from './nika.ts';
import { endPods, recordOf } from './pods.ts';

type WorktreeData = Readonly<Record<string, unknown>>;

export class WorktreeHome extends TestHome implements AsyncDisposable {
  constructor() {
    super();
    this.git('init', '--quiet', '--initial-branch=main');
    this.git('config', 'user.name', 'Ann');
    this.git('config', 'user.email', 'ann@example.com');
    this.write('a.txt', 'one\n').write('sub/b.txt', 'two\n').write('.gitignore', 'ignored/\n').commit('first');
  }

  /** In the repository, or in another folder of it. */
  git(...args: readonly string[]): string {
    return this.gitIn(this.cwd, ...args);
  }

  gitIn(cwd: string, ...args: readonly string[]): string {
    const env = { PATH: process.env['PATH'], HOME: this.dir, GIT_CONFIG_NOSYSTEM: '1' };
    return execFileSync('git', args, { cwd, encoding: 'utf8', env, stdio: ['ignore', 'pipe', 'pipe'] }).trim();
  }

  write(path: string, text: string): this {
    const file = join(this.cwd, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    return this;
  }

  commit(message: string): this {
    this.git('add', '--all');
    this.git('commit', '--quiet', '--message', message);
    return this;
  }

  /** A pod of one shell command in a worktree of its own. */
  run(id: string, command: string, ...flags: readonly string[]): Promise<Ended> {
    return this.nika('run', '--worktree', '--id', id, ...flags, '--', 'sh', '-c', command);
  }

  pathOf(id: string): string {
    return join(this.dir, 'run/worktrees', id);
  }

  has(id: string): boolean {
    return existsSync(this.pathOf(id));
  }

  record(id: string): PodRecord {
    const record = recordOf(this, entityIdSchema.parse(id));
    if (record === undefined) throw new Error(`there is no record of ${id}`);
    return record;
  }

  /** What the last line of its session says of the worktree. */
  told(id: string): WorktreeData | undefined {
    const end = this.lines(`channels/${id}.jsonl`).findLast(({ type }) => type === 'session_end_summary');
    return end?.data['worktree'] as WorktreeData | undefined;
  }

  /** Branches that are there, but main. */
  get branches(): readonly string[] {
    const names = this.git('for-each-ref', '--format=%(refname:short)', 'refs/heads').split('\n');
    return names.filter((name) => name !== 'main');
  }

  /** Worktrees that git knows, but the first. */
  get worktrees(): readonly string[] {
    const lines = this.git('worktree', 'list', '--porcelain').split('\n');
    return lines.flatMap((line) => (line.startsWith('worktree ') ? [line.slice(9)] : [])).slice(1);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await endPods(this);
    this[Symbol.dispose]();
  }
}
