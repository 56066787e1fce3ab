/** Owns how it is found out whether anybody is there to hear a signal: records of this home, the fleet in Redis, the bus. */
import { existsSync } from 'node:fs';
import { busPath, channelName } from '../../bus/layout.ts';
import type { NoWay, SignalWay } from '../../ipc/signals/signal-outbox.ts';
import type { EntityId } from '../../model/id.ts';
import { askFleet } from '../../telemetry/read-fleet.ts';
import { standingHere } from './home-way.ts';
import type { TargetState } from './own-requests.ts';

export interface TargetLookOptions {
  readonly runDir: string;
  readonly busDir: string;
  readonly self: EntityId | undefined;
  /** `undefined`: no Redis is configured. */
  readonly getWay: (() => Promise<SignalWay | NoWay>) | undefined;
}

const FLEET_WITHIN_MS = 500;
/** The whole fleet is asked for: not more often. */
const FLEET_EVERY_MS = 3_000;
/** Silent for so long, a pod of another host is no proof of life. */
const SILENT_MS = 60_000;
/** After a loss of Redis's data each pod tells of itself again within its heartbeat. */
const GONE_MS = 12_000;

export class TargetLook {
  readonly #options: TargetLookOptions;
  #fleet: ReadonlySet<EntityId> | undefined;
  #fleetAtMs = -Infinity;
  readonly #seenAtMs = new Map<EntityId, number>();

  constructor(options: TargetLookOptions) {
    this.#options = options;
  }

  /** Never rejects. */
  async look(job: EntityId): Promise<TargetState> {
    const { runDir, busDir, self, getWay } = this.#options;
    const here = standingHere(runDir, job);
    if (here.kind !== 'unknown') return here;
    if (getWay === undefined) return { kind: 'none' };
    const fleet = await this.#readFleet(getWay);
    if (fleet === undefined) return { kind: 'unsure' };
    const nowMs = performance.now();
    if (fleet.has(job)) {
      this.#seenAtMs.set(job, nowMs);
      return { kind: 'living' };
    }
    const seenAtMs = this.#seenAtMs.get(job);
    if (seenAtMs !== undefined) {
      return nowMs - seenAtMs > GONE_MS ? { kind: 'over', status: 'its pod is gone' } : { kind: 'unsure' };
    }
    // It may be about to start; or Redis was just emptied, and we are not in it either.
    const isUnsure = existsSync(busPath(busDir, channelName(job))) || (self !== undefined && !fleet.has(self));
    return { kind: isUnsure ? 'unsure' : 'none' };
  }

  async #readFleet(getWay: () => Promise<SignalWay | NoWay>): Promise<ReadonlySet<EntityId> | undefined> {
    if (performance.now() - this.#fleetAtMs < FLEET_EVERY_MS) return this.#fleet;
    const way = await getWay();
    if (!('link' in way)) return undefined;
    const fleet = await askFleet(way.link, way.keys, FLEET_WITHIN_MS);
    if (fleet.kind !== 'read') return undefined;
    this.#fleetAtMs = performance.now();
    const living = fleet.pods.filter(({ silentMs }) => silentMs < SILENT_MS);
    this.#fleet = new Set(living.map(({ entity }) => entity));
    return this.#fleet;
  }
}
