/**
 * Owns the examination: all checks, in threads, each with a deadline.
 *
 * D1. It is over within 2.5 s of the start of the process, whatever hangs; a check that is late is a finding.
 * D2. What a late check found before it hung is kept.
 * D3. Behind a check that hangs the others are made by another thread.
 */
import { Worker } from 'node:worker_threads';
import type { HomeRequest } from '../config/home.ts';
import { errorMessage } from '../model/error.ts';
import { type CheckName, type CheckWord, type CheckWork, FILE_CHECKS, SERVICE_CHECKS } from './check-name.ts';
import { AREAS, type Finding, ok, type Tell } from './finding.ts';
import { brokenFinding, CHECK_MS, lateFinding } from './late.ts';

const threadUrl = new URL(
  import.meta.url.endsWith('.ts') ? './doctor-worker.ts' : './doctor-worker.js',
  import.meta.url,
);

/** From the start of the process (D1). */
const ALL_MS = 2500;
/** After so long in one check another thread goes on with the rest (D3). */
const SPARE_MS = 500;
/** For threads to end; one that the system holds does not. */
const END_MS = 150;

export interface Examination {
  /** By area, each in the order in which it was found. */
  readonly findings: readonly Finding[];
  /** A thread is held by the system and cannot be ended: nor can the process be, but by force. */
  readonly isHeldUp: boolean;
}

interface Run {
  thread: Worker;
  begunAtMs: number | undefined;
  late: NodeJS.Timeout | undefined;
  readonly over: PromiseWithResolvers<void>;
}

class Examiner {
  readonly #request: HomeRequest;
  readonly #tell: Tell;
  readonly #threads: Worker[] = [];
  /** Checks that are not over. What a thread says of one that another has taken over is not heard. */
  readonly #open = new Map<CheckName, Run>();

  constructor(request: HomeRequest, tell: Tell) {
    this.#request = request;
    this.#tell = tell;
  }

  /** Resolves when all are done or late; never rejects. */
  async run(lists: readonly (readonly CheckName[])[]): Promise<void> {
    for (const names of lists) this.#start(names);
    const overs = Array.from(this.#open.values(), ({ over }) => over.promise);
    const all = setTimeout(() => this.#giveUp([...this.#open.keys()]), Math.max(0, ALL_MS - performance.now())); // D1
    await Promise.all(overs);
    clearTimeout(all);
  }

  /** Whether all threads are gone. */
  async end(): Promise<boolean> {
    const { promise: late, resolve } = Promise.withResolvers<false>();
    const timer = setTimeout(() => resolve(false), END_MS);
    const gone = Promise.all(this.#threads.map((thread) => thread.terminate())).then(() => true);
    const isGone = await Promise.race([gone, late]);
    clearTimeout(timer);
    return isGone;
  }

  #start(names: readonly CheckName[]): void {
    if (names.length === 0) return;
    const thread = new Worker(threadUrl, { workerData: { names, request: this.#request } satisfies CheckWork });
    this.#threads.push(thread);
    for (const name of names) {
      const over = this.#open.get(name)?.over ?? Promise.withResolvers<void>();
      this.#open.set(name, { thread, begunAtMs: undefined, late: undefined, over });
    }
    let spare: NodeJS.Timeout | undefined;
    const mine = (): readonly CheckName[] => names.filter((name) => this.#open.get(name)?.thread === thread);
    const onSpare = (): void => this.#start(mine().filter((name) => this.#open.get(name)?.begunAtMs === undefined)); // D3
    thread.on('message', (word: CheckWord) => {
      clearTimeout(spare);
      if (word.kind !== 'done') spare = setTimeout(onSpare, SPARE_MS).unref();
      const run = this.#open.get(word.name);
      if (run?.thread === thread) this.#hear(word, run);
    });
    thread.on('error', (thrown) => {
      for (const name of mine()) this.#tell(brokenFinding(name, errorMessage(thrown)));
    });
    thread.on('exit', () => {
      for (const name of mine()) this.#close(name);
    });
    thread.unref();
  }

  #hear(word: CheckWord, run: Run): void {
    const { name } = word;
    switch (word.kind) {
      case 'begun':
        run.begunAtMs = performance.now();
        run.late = setTimeout(() => this.#giveUp([name]), CHECK_MS);
        return;
      case 'found':
        return this.#tell(word.finding); // D2
      case 'broken':
        return this.#tell(brokenFinding(name, word.why));
      case 'done':
        this.#close(name);
    }
  }

  #giveUp(names: readonly CheckName[]): void {
    for (const name of names) {
      const { begunAtMs } = this.#open.get(name) ?? {};
      this.#tell(lateFinding(name, begunAtMs === undefined ? undefined : performance.now() - begunAtMs));
      this.#close(name);
    }
  }

  #close(name: CheckName): void {
    const run = this.#open.get(name);
    clearTimeout(run?.late);
    this.#open.delete(name);
    run?.over.resolve();
  }
}

/** Never rejects. */
export const examine = async (request: HomeRequest): Promise<Examination> => {
  const findings: Finding[] = [ok('node.version', `${process.versions.node} (${process.execPath})`)];
  const examiner = new Examiner(request, (finding) => findings.push(finding));
  await examiner.run([FILE_CHECKS, SERVICE_CHECKS]);
  const isGone = await examiner.end();
  const order = ({ area }: Finding): number => AREAS.indexOf(area);
  return { findings: findings.toSorted((a, b) => order(a) - order(b)), isHeldUp: !isGone };
};
