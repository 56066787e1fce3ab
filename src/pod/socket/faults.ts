/** Owns the count of what goes wrong on a pod's connections, by name (G3). The names are API: they stand in metrics and summaries. */

export const SOCKET_FAULTS = [
  'bad_frame',
  'oversized_frame',
  'half_frame',
  'bad_request',
  'no_hello',
  'other_version',
  'slow_reader',
  'too_many_connections',
  'too_many_requests',
  'broken_connection',
  'accept_failed',
  'door_failed',
] as const;

export type SocketFault = (typeof SOCKET_FAULTS)[number];

/** Shared by all connections of a pod. */
export class SocketFaults {
  readonly #counts = new Map<SocketFault, number>();
  readonly #onFirst: (fault: SocketFault, why: string) => void;

  /** `onFirst` is told of the first of each name, for the log; a flood of faults is no flood of words. Must not throw. */
  constructor(onFirst: (fault: SocketFault, why: string) => void = () => undefined) {
    this.#onFirst = onFirst;
  }

  count(fault: SocketFault, why: string): void {
    const count = (this.#counts.get(fault) ?? 0) + 1;
    this.#counts.set(fault, count);
    if (count === 1) this.#onFirst(fault, why);
  }

  /** Only what is not zero. */
  counts(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#counts);
  }
}
