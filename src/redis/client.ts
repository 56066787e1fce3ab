/**
 * Owns the making of ioredis clients; the only file that loads ioredis (60 ms), itself loaded by `import()` alone.
 * Sockets and timers of a client made here hold no process alive.
 */
import { createConnection, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { AbstractConnector, Cluster, type ClusterOptions, Redis, type RedisOptions, SentinelConnector } from 'ioredis';
import type { ClientOptions } from './link-options.ts';

export type Client = Redis | Cluster;

/** As ioredis's own for one server, but the socket is not waited for when a process could end. */
class LooseConnector extends AbstractConnector {
  readonly #options: RedisOptions;

  constructor(options: unknown) {
    super((options as RedisOptions).disconnectTimeout ?? 0);
    this.#options = options as RedisOptions;
  }

  override async connect(): Promise<Socket> {
    const { host, port, family, path, tls } = this.#options;
    const where = path === undefined ? { host, port, family } : { path };
    this.connecting = true;
    const socket = tls === undefined ? createConnection(where as never) : connectTls({ ...where, ...tls } as never);
    this.stream = socket.unref();
    socket.once('error', (error) => (this.firstError = error));
    return socket;
  }
}

class LooseSentinelConnector extends SentinelConnector {
  constructor(options: unknown) {
    super(options as ConstructorParameters<typeof SentinelConnector>[0]);
  }

  override async connect(emit: Parameters<SentinelConnector['connect']>[0]): Promise<Socket> {
    const socket = await super.connect(emit);
    return socket.unref();
  }
}

/** Fields of ioredis that are there and not in its types. */
interface Timers {
  readonly reconnectTimeout?: NodeJS.Timeout | null;
  readonly socketTimeoutTimer?: NodeJS.Timeout;
}

const unrefTimers = (client: Client): void => {
  const { reconnectTimeout, socketTimeoutTimer } = client as unknown as Timers;
  reconnectTimeout?.unref();
  socketTimeoutTimer?.unref();
};

type InfoCallback = (error: Error | null | undefined, text?: string) => void;

/** Where a user has no right to INFO, ioredis writes a warning to the terminal at each connection; here the check is skipped in silence. */
const quietReadyCheck = (client: Redis): void => {
  const ask = client.info.bind(client) as (callback?: InfoCallback) => Promise<string>;
  const info = async (callback?: InfoCallback): Promise<string> =>
    ask(
      callback &&
        ((error, text) => (error?.message.includes('NOPERM') === true ? callback(null, '') : callback(error, text))),
    );
  Object.assign(client, { info });
};

/** Made, not connected: `connect()` begins that. */
export const createClient = (given: ClientOptions): Client => {
  if (given.kind === 'cluster') {
    const redisOptions = { ...given.options.redisOptions, Connector: LooseConnector };
    const options = { ...given.options, lazyConnect: true, redisOptions };
    const cluster = new Cluster([...given.nodes], options as ClusterOptions as never);
    return cluster.on('reconnecting', () => unrefTimers(cluster));
  }
  const Connector = given.kind === 'single' ? LooseConnector : LooseSentinelConnector;
  const client = new Redis({ ...given.options, Connector } as RedisOptions as never);
  quietReadyCheck(client);
  return client.on('reconnecting', () => unrefTimers(client)).on('connect', () => unrefTimers(client));
};
