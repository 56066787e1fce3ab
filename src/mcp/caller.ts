/** Owns for whom `nika mcp` works: the agent at the other end, where it runs, and what it has started. */
import type { EntityId } from '../model/id.ts';

export interface CallerOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Absolute: where the agent works. */
  readonly cwd: string;
  /** What was given as `--home`. */
  readonly homeFlag: string | undefined;
}

export class Caller {
  readonly env: CallerOptions['env'];
  readonly cwd: string;
  readonly homeFlag: string | undefined;
  /** What the client says it is: `claude-code`, `codex-mcp-client` … */
  client = 'an agent';
  /** Pods that it started. */
  readonly started = new Set<EntityId>();
  #turn: Promise<unknown> = Promise.resolve();

  constructor({ env, cwd, homeFlag }: CallerOptions) {
    this.env = env;
    this.cwd = cwd;
    this.homeFlag = homeFlag;
  }

  /** One after the other: what counts first and acts then. */
  inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work, work);
    this.#turn = turn.catch(() => undefined); // told to whoever waits for it
    return turn;
  }
}
