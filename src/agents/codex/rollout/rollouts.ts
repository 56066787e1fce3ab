/** Owns which session files of Codex are read in a run: the agent's, and one for each subagent. */
import { setTimeout as delay } from 'node:timers/promises';
import type { AgentCall, AgentDesk } from '../../../pod/host/agent-desk.ts';
import { findRollout } from './find-rollout.ts';
import { RolloutFile } from './rollout-file.ts';
import { RolloutThread, type ThreadTold } from './rollout-thread.ts';
import type { ToolItem } from './tool-item.ts';

export interface RolloutsOptions {
  readonly desk: AgentDesk;
  readonly env: Readonly<Record<string, string>>;
  readonly sinceMs: number;
  readonly isLive: (turn: string) => boolean;
  readonly begunAtMs: (call: string) => number | undefined;
  readonly told: (path: string, sub: string | undefined) => ThreadTold;
}

interface Followed {
  readonly file: RolloutFile;
  readonly thread: RolloutThread;
}

/** More are a mistake (G6): what they do is known from their hooks. */
const MAX_ROLLOUTS = 1_000;
/** What no hook and no line of output points to is found that much later. */
const LOOK_EVERY_MS = 500;
/** The end of a command is nearly always in the file when its hook comes; nobody is held up longer for it. */
const WAIT_MS = 40;

export class Rollouts {
  readonly #options: RolloutsOptions;
  readonly #followed = new Map<string, Followed>();
  /** Threads whose file was not there yet, and of which subagent they are. */
  readonly #wanted = new Map<string, string | undefined>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: RolloutsOptions) {
    this.#options = options;
  }

  get isFollowing(): boolean {
    return this.#followed.size > 0;
  }

  /** Requests whose usage was told. */
  get usageCount(): number {
    return this.#sum(({ thread }) => thread.usageCount);
  }

  /** Lines that are too long, or no JSON object. */
  get unreadableCount(): number {
    return this.#sum(({ thread, file }) => thread.unreadableCount + file.skipped);
  }

  start(): void {
    this.#timer ??= setInterval(() => void this.read(), LOOK_EVERY_MS).unref();
  }

  /** What is there is read before. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#timer = undefined;
    await this.read();
  }

  follow(path: string, sub: string | undefined): Followed | undefined {
    const known = this.#followed.get(path);
    if (known !== undefined || this.#followed.size >= MAX_ROLLOUTS) return known;
    const { told, ...options } = this.#options;
    const thread = new RolloutThread({ ...options, sub, told: told(path, sub) });
    const followed = { thread, file: new RolloutFile(path, (line) => thread.read(line)) };
    this.#followed.set(path, followed);
    return followed;
  }

  /** Follows the file of a thread once it is there. */
  want(thread: string, sub: string | undefined): void {
    if (this.#wanted.size < MAX_ROLLOUTS) this.#wanted.set(thread, sub);
  }

  /** Reads on in all of them, and in those of the subagents that they name. Does not reject. */
  async read(): Promise<void> {
    let count: number;
    do {
      this.#find();
      count = this.#followed.size;
      await Promise.all(Array.from(this.#followed.values(), ({ file }) => file.read()));
      this.#find();
    } while (this.#followed.size > count);
  }

  /** The same, but nobody is held up longer. */
  async readWithin(ms: number): Promise<void> {
    await Promise.race([this.read(), delay(ms, undefined, { ref: false })]);
  }

  begin(path: string, call: AgentCall): void {
    this.#followed.get(path)?.thread.begin(call);
  }

  /** How a call ended, as the file has it; `waits`: it is worth waiting for a moment. */
  async endOf(path: string, call: string, waits: boolean): Promise<ToolItem | undefined> {
    const followed = this.#followed.get(path);
    if (followed === undefined) return undefined;
    const { thread, file } = followed;
    if (waits) await file.readUntil(() => thread.has(call), WAIT_MS);
    return thread.take(call);
  }

  /** Ends the calls of which only a file tells that they are over. */
  settle(): void {
    for (const { thread } of this.#followed.values()) thread.settle();
  }

  /** Follows what was wanted and is there now. */
  #find(): void {
    for (const [thread, sub] of this.#wanted) {
      const path = findRollout(this.#options.env, thread);
      if (path === undefined) continue;
      this.#wanted.delete(thread);
      this.follow(path, sub);
    }
  }

  #sum(count: (followed: Followed) => number): number {
    return Array.from(this.#followed.values(), count).reduce((sum, one) => sum + one, 0);
  }
}
