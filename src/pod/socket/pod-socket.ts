import type { Duplex } from 'node:stream';
import type { PodDoor } from './protocol.ts';
export const openPodSocket = (_o: { path: string; door: PodDoor }): Promise<AsyncDisposable> =>
  Promise.reject(new Error('stub'));
export const serveChannel = (_s: Duplex, _d: PodDoor): AsyncDisposable => ({
  [Symbol.asyncDispose]: () => Promise.resolve(),
});
