/**
 * Owns the folder in which the test is tried: a git worktree of its own under the temporary folder.
 *
 * W1. The person's checkout, index, branches and bisection are never touched.
 * W2. At the end nothing is left of it, neither the folder nor git's note of it. No program is started for that: a pod
 *     that is stopped ends what starts meanwhile.
 * W3. What a pod left that was killed is removed by the next one.
 */
import { mkdtempSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { git } from './git.mjs';

const PREFIX = 'nika-bisect-';

/** One that has ended and that nobody has asked for yet (a zombie) does not live. @param {string} pid */
const isAlive = (pid) => {
  try {
    return !/^\d+ \(.*\) [ZX]/s.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    // no Linux, or no such process
  }
  try {
    return process.kill(Number(pid), 0);
  } catch (thrown) {
    return !(thrown instanceof Error && 'code' in thrown && thrown.code === 'ESRCH');
  }
};

/** What git keeps of each worktree: the folder with the note, and the path that it names. @param {string} notes */
const readNotes = (notes) => {
  /** @type {{ note: string, path: string }[]} */
  const found = [];
  try {
    for (const name of readdirSync(notes)) {
      const note = join(notes, name);
      found.push({ note, path: dirname(readFileSync(join(note, 'gitdir'), 'utf8').trim()) });
    }
  } catch {
    // there are none, or one of another program is just being made or removed
  }
  return found;
};

/** Removes what git knows of the worktrees in a folder. @param {string} notes @param {string} folder */
const forget = async (notes, folder) => {
  for (const { note, path } of readNotes(notes)) {
    if (path.startsWith(`${folder}/`)) await rm(note, { recursive: true, force: true });
  }
  try {
    rmdirSync(notes);
  } catch {
    // there are others, or there never was one
  }
};

/** W3. @param {string} notes */
const removeForsaken = async (notes) => {
  for (const { path } of readNotes(notes)) {
    const folder = dirname(path);
    const pid = new RegExp(`^${PREFIX}(\\d+)-`).exec(basename(folder))?.[1];
    if (pid === undefined || isAlive(pid)) continue;
    await rm(folder, { recursive: true, force: true, maxRetries: 2 });
    await forget(notes, folder);
  }
};

export class Worktree {
  #notes;
  #folder;
  #keep;
  #signal;

  /** @param {{ notes: string, folder: string, path: string, keep: string, signal: AbortSignal }} opened */
  constructor({ notes, folder, path, keep, signal }) {
    this.#notes = notes;
    this.#folder = folder;
    this.#keep = keep.split(/\s+/).filter((pattern) => pattern !== '');
    this.#signal = signal;
    /** Absolute. */
    this.path = path;
  }

  /**
   * @param {{ top: string, commit: string, keep: string, signal: AbortSignal }} options `keep`: ignored files that stay
   * between two checkouts, patterns separated by spaces
   */
  static async open({ top, commit, keep, signal }) {
    const common = await git(top, ['rev-parse', '--path-format=absolute', '--git-common-dir'], { signal });
    const notes = join(common, 'worktrees');
    await removeForsaken(notes);
    const folder = mkdtempSync(join(tmpdir(), `${PREFIX}${process.pid}-`));
    const path = join(folder, basename(top) || 'tree');
    const worktree = new Worktree({ notes, folder, path, keep, signal });
    try {
      await mkdir(path);
      await git(top, ['worktree', 'add', '--quiet', '--detach', '--no-checkout', path, commit], { signal });
      return worktree;
    } catch (thrown) {
      await worktree[Symbol.asyncDispose]();
      throw thrown;
    }
  }

  /** Makes the folder what the commit is: nothing of an earlier try is left but what is to be kept. @param {string} commit */
  async checkout(commit) {
    await this.#git(['checkout', '--quiet', '--force', '--detach', commit]);
    const kept = this.#keep.flatMap((pattern) => ['-e', pattern]);
    await this.#git(['clean', '-ffdxq', ...kept]);
  }

  /** Makes the folder what a part of a commit would be. @param {import('./trials.mjs').Part} part */
  async apply({ base, commit, changes }) {
    await this.checkout(base);
    const removed = changes.flatMap((change) => change.removed);
    const written = changes.flatMap((change) => change.written);
    const paths = ['--pathspec-from-file=-', '--pathspec-file-nul'];
    if (removed.length > 0) await this.#git(['rm', '--quiet', '--force', ...paths], removed.join('\0'));
    if (written.length > 0) await this.#git(['checkout', '--quiet', commit, ...paths], written.join('\0'));
  }

  /** @param {readonly string[]} args @param {string} [stdin] */
  #git(args, stdin) {
    return git(this.path, args, { signal: this.#signal, ...(stdin === undefined ? {} : { stdin }) });
  }

  /** W2. */
  async [Symbol.asyncDispose]() {
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 3, retryDelay: 50 });
    await forget(this.#notes, this.#folder);
  }
}
