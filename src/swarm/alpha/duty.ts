/**
 * Owns what a duty of Alpha is: what the parts of the swarm give it to do. All of them are registered in `duties.ts`.
 *
 * U1. A duty may be run again for what it did already (its process was killed in between): it goes by ids, and does nothing
 *     twice.
 */
import type { Home } from '../../config/home.ts';
import type { Settings } from '../../config/settings.ts';
import type { LinkAnswer } from '../../pod/session-link.ts';
import type { Followed } from '../follow/follower.ts';
import type { SwarmSession } from '../session/swarm-session.ts';
import type { SwarmView } from './swarm-view.ts';

/**
 * `home`: one Alpha in each home, whoever leads the swarm. `orchestrator`, `monitor`: one Alpha over all hosts that share
 * the Redis; without it one per home.
 */
export type DutyRole = 'home' | 'orchestrator' | 'monitor';

export interface AlphaContext {
  readonly home: Home;
  readonly settings: Settings;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Through it the bus is written. */
  readonly swarm: SwarmSession;
  /** All that the changes told. */
  readonly view: SwarmView;
  /** Redis, for what is asked and answered. Never rejects. */
  link(signal?: AbortSignal): Promise<LinkAnswer>;
  /** Whether the role of the duty is held now; asked once more before something is done that must not be done twice. */
  mayAct(): Promise<boolean>;
}

/** Periodically, one after the other, while the role is held. It may reject: logged once, and tried again the next time. */
export interface Chore {
  readonly name: string;
  readonly role: DutyRole;
  readonly everyMs: number;
  /** Given up after it. Default 30 s. */
  readonly withinMs?: number;
  run(context: AlphaContext, signal: AbortSignal): Promise<void>;
}

/** Told of each change of the swarm once, in order. Where it rejects, it is told again. */
export interface ChangeListener {
  readonly name: string;
  readonly role: Exclude<DutyRole, 'home'>;
  onChange(followed: Followed, context: AlphaContext, signal: AbortSignal): Promise<void>;
}

/** As long as the role is held; begun again after a pause where it ends or rejects. */
export interface Task {
  readonly name: string;
  readonly role: DutyRole;
  run(context: AlphaContext, signal: AbortSignal): Promise<void>;
}

export interface Duties {
  readonly chores: readonly Chore[];
  readonly listeners: readonly ChangeListener[];
  readonly tasks: readonly Task[];
}
