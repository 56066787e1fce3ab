/** Owns what a session does for memory: what it wrote on the bus is brought to Qdrant by a process of the home. */
import type { Home } from '../../config/home.ts';
import type { Settings } from '../../config/settings.ts';
import { bestEffort } from '../../failopen/best-effort.ts';

/** What is significant of a pod that lives long is brought before its end. */
const FIRST_MS = 1_000;
/** Of a fleet that is started at once one does it. */
const SPREAD_MS = 2_000;
const START_BUDGET_MS = 300;

export class SessionMemory implements AsyncDisposable {
  readonly #home: Home;
  readonly #timer: NodeJS.Timeout | undefined;

  /** Nothing where no Qdrant is configured. */
  constructor(home: Home, settings: Settings) {
    this.#home = home;
    if (settings.qdrant.kind === 'off') return;
    this.#timer = setTimeout(() => void this.#start(), FIRST_MS + Math.random() * SPREAD_MS).unref();
  }

  /** Once all of it stands on the bus. Never rejects. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#timer === undefined) return;
    clearTimeout(this.#timer);
    await this.#start();
  }

  async #start(): Promise<void> {
    await bestEffort('memory.start', { withinMs: START_BUDGET_MS }, async () => {
      const { startMemoryWriter } = await import('./start-memory-writer.ts');
      await startMemoryWriter(this.#home, process.env);
    });
  }
}
