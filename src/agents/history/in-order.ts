/** Owns putting in order of time what comes nearly so: calls that ran side by side, turns told when the next begins. */
import type { Told } from './told.ts';

/** So many are looked at together (G6). */
const WINDOW = 64;

/** What is further out of place than a window comes as early as it can. */
export async function* inOrder(all: AsyncIterable<Told>): AsyncGenerator<Told> {
  const held: Told[] = [];
  for await (const told of all) {
    let at = held.length;
    while (at > 0 && (held[at - 1]?.atMs ?? 0) > told.atMs) at -= 1;
    held.splice(at, 0, told);
    if (held.length <= WINDOW) continue;
    const first = held.shift();
    if (first !== undefined) yield first;
  }
  yield* held;
}
