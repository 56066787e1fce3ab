/**
 * Owns the making of Qdrant's client; the only file that loads it (90 ms), itself loaded by `import()` alone.
 *
 * Q1. It has no time-out of its own: each call has a deadline, and is ended by its signal. (By default it waits 300 s.)
 * Q2. Answers are asked for uncompressed: compressed ones come 45 ms late, in small writes.
 * Q3. Nothing is written to the terminal: it checks no version, and gets the key as a header, of which it does not warn.
 */
import { QdrantClient } from '@qdrant/js-client-rest';
import type { QdrantTarget } from '../../config/memory/qdrant-settings.ts';

export type QdrantApi = ReturnType<QdrantClient['api']>;

const DEFAULT_PORT = { 'https:': 443, 'http:': 80 } as const;

/** Connections at most: questions and batches of one process. */
const CONNECTIONS = 8;

/** Made, not connected. */
export const createApi = ({ url, apiKey }: QdrantTarget): QdrantApi => {
  const { protocol, origin, port, pathname } = new URL(url);
  const client = new QdrantClient({
    url: origin,
    port: port === '' ? DEFAULT_PORT[protocol === 'https:' ? 'https:' : 'http:'] : Number(port),
    ...(pathname === '/' ? {} : { prefix: pathname }), // it leaves out the path of a URL
    timeout: Infinity,
    checkCompatibility: false,
    maxConnections: CONNECTIONS,
    headers: { 'accept-encoding': 'identity', ...(apiKey === undefined ? {} : { 'api-key': apiKey.reveal() }) },
  });
  return client.api();
};
