/**
 * Owns the contracts of a home's own disk, `run/contracts/<job>.json`: what holds while Redis is away, and the copy that is
 * brought to it where it lost it (G4). Whoever changes one holds its lock.
 */
import { readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { makeFolderSoon } from '../../failopen/make-folder.ts';
import { errnoOf } from '../../model/error.ts';
import { type EntityId, entityIdSchema } from '../../model/id.ts';
import type { TryLock } from '../working-memory/home-memory.ts';
import { type StandingContract, tryContract, tryStanding } from './contract.ts';

const fileSchema = z.object({
  v: z.literal(1),
  contract: z.string(),
  sha256: z.string(),
  ts: z.number(),
  session: z.string(),
  steps: z.record(z.string(), z.string()),
});

const LOCK_WITHIN_MS = 2_000;
const LOCK_TRY_MS = 2;
const ENDING = '.json';
let tempCount = 0;

const parse = (text: string): StandingContract | undefined => {
  try {
    const { contract: document, sha256, ts, session, steps } = fileSchema.parse(JSON.parse(text));
    const contract = tryContract(document);
    if (contract === undefined) return undefined;
    const standings = Object.entries(steps).flatMap(([name, told]) => {
      const standing = tryStanding(told);
      return standing === undefined ? [] : [[name, standing] as const];
    });
    return { contract, sha256, ts, session, steps: new Map(standings) };
  } catch {
    return undefined; // half written by a machine that lost its power
  }
};

const format = ({ contract, sha256, ts, session, steps }: StandingContract): string => {
  const told = Array.from(steps, ([name, standing]) => [name, JSON.stringify(standing)] as const);
  return JSON.stringify({
    v: 1,
    contract: JSON.stringify(contract),
    sha256,
    ts,
    session,
    steps: Object.fromEntries(told),
  });
};

export class HomeContracts {
  readonly #dir: string;
  readonly #tryLock: TryLock;
  #turn: Promise<unknown> = Promise.resolve();

  constructor({ runDir, tryLock }: { readonly runDir: string; readonly tryLock: TryLock }) {
    this.#dir = join(runDir, 'contracts');
    this.#tryLock = tryLock;
  }

  /** `undefined`: there is none, or none that can be read. @throws a system error */
  async get(job: EntityId): Promise<StandingContract | undefined> {
    try {
      return parse(await readFile(this.#path(job), 'utf8'));
    } catch (thrown) {
      if (errnoOf(thrown) === 'ENOENT') return undefined;
      throw thrown;
    }
  }

  /** Changes what is there, one after the other; `undefined` from `change`: it stays as it is. @throws a system error */
  async change(
    job: EntityId,
    change: (there: StandingContract | undefined) => StandingContract | undefined,
  ): Promise<void> {
    const turn = this.#turn.then(() => this.#change(job, change));
    this.#turn = turn.catch(() => undefined); // told to whoever waits for it
    await turn;
  }

  /** @throws a system error */
  async jobs(): Promise<readonly EntityId[]> {
    try {
      const names = await readdir(this.#dir);
      return names.flatMap((name) =>
        name.endsWith(ENDING) ? (entityIdSchema.safeParse(name.slice(0, -ENDING.length)).data ?? []) : [],
      );
    } catch (thrown) {
      if (errnoOf(thrown) === 'ENOENT') return [];
      throw thrown;
    }
  }

  /** When its job last gave a sign of life. */
  async seenAtMs(job: EntityId): Promise<number | undefined> {
    try {
      return (await stat(this.#path(job))).mtimeMs;
    } catch {
      return undefined;
    }
  }

  /** The job lives. Gives whether there is a contract of it. @throws a system error */
  async touch(job: EntityId): Promise<boolean> {
    const now = new Date();
    try {
      await utimes(this.#path(job), now, now);
      return true;
    } catch (thrown) {
      if (errnoOf(thrown) === 'ENOENT') return false;
      throw thrown;
    }
  }

  /** Removes those whose time is over. `lives`: a pod of it does, and only had no time to say so. @throws a system error */
  async tidy(keptMs: number, lives: (job: EntityId) => boolean = () => false): Promise<void> {
    const isOver = async (job: EntityId): Promise<boolean> => {
      const atMs = await this.seenAtMs(job);
      return atMs !== undefined && Date.now() - atMs > keptMs;
    };
    for (const job of await this.jobs()) {
      if (!(await isOver(job)) || lives(job)) continue;
      await using _lock = await this.#lock();
      if (await isOver(job)) await rm(this.#path(job), { force: true }); // else it was changed just now
    }
  }

  async #change(job: EntityId, change: (there: StandingContract | undefined) => StandingContract | undefined) {
    await makeFolderSoon(this.#dir, 0o700);
    await using _lock = await this.#lock();
    const next = change(await this.get(job));
    if (next === undefined) return;
    tempCount += 1;
    const temp = join(this.#dir, `.${process.pid}-${tempCount}`);
    await writeFile(temp, format(next), { mode: 0o600 });
    await rename(temp, this.#path(job));
  }

  /** @throws {Error} others write all the time */
  async #lock(): Promise<AsyncDisposable> {
    const untilMs = performance.now() + LOCK_WITHIN_MS;
    for (;;) {
      const lock = await this.#tryLock(this.#dir, 'contracts');
      if (lock !== undefined) return lock;
      if (performance.now() > untilMs) throw new Error('others write all the time');
      await delay(LOCK_TRY_MS + Math.random() * LOCK_TRY_MS);
    }
  }

  #path(job: EntityId): string {
    return join(this.#dir, `${job}${ENDING}`);
  }
}
