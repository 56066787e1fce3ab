/**
 * Owns the payloads of hooks that found nobody to take them: files in a folder, written whole and renamed, taken up here
 * in the order of their names.
 *
 * P1. What was there when it was asked for is taken up, however much it is.
 */
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { makeFolder } from '../../failopen/make-folder.ts';
import { bestEffortSync } from '../../failopen/best-effort.ts';
import { type HookPayload, parsePayload } from './hook-endpoint.ts';

const LOOK_EVERY_MS = 1_000;

/** `name`: of its file, without `.json`. */
type Handle = (event: string, payload: HookPayload, name: string) => Promise<unknown>;

export class HookSpool implements Disposable {
  readonly #dir: string;
  readonly #handle: Handle;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();
  #queued: Promise<void> | undefined;
  #unreadable = 0;

  private constructor(dir: string, handle: Handle) {
    this.#dir = dir;
    this.#handle = handle;
  }

  static open(dir: string, handle: Handle): HookSpool {
    bestEffortSync('hooks.spool', () => makeFolder(dir, 0o700));
    const spool = new HookSpool(dir, handle);
    spool.#timer = setInterval(() => void spool.take(), LOOK_EVERY_MS).unref();
    return spool;
  }

  /** Files that held no payload (G3). */
  get unreadable(): number {
    return this.#unreadable;
  }

  /** Takes up what is there by now; one after the other, in order (P1). */
  take(): Promise<void> {
    this.#queued ??= this.#running.then(() => {
      this.#queued = undefined;
      this.#running = this.#take();
      return this.#running;
    });
    return this.#queued;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  async #take(): Promise<void> {
    const names = bestEffortSync('hooks.spool', () => readdirSync(this.#dir)) ?? [];
    const whole = names.filter((name) => name.endsWith('.json')).toSorted();
    for (const name of whole) {
      const path = join(this.#dir, name);
      const text = bestEffortSync('hooks.spool', () => readFileSync(path, 'utf8'));
      bestEffortSync('hooks.spool', () => rmSync(path, { force: true }));
      const payload = text === undefined ? undefined : parsePayload(text);
      if (payload === undefined) this.#unreadable += 1;
      else await this.#give(payload, name.slice(0, -'.json'.length));
    }
  }

  /** Those that follow are taken up whatever becomes of it. */
  async #give(payload: HookPayload, name: string): Promise<void> {
    try {
      await this.#handle(eventOf(payload), payload, name);
    } catch {
      this.#unreadable += 1;
    }
  }
}

/** The agents that have command hooks name the event in the payload. */
const eventOf = ({ hook_event_name: name }: HookPayload): string => (typeof name === 'string' ? name : 'unknown');
