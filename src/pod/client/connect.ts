/** Owns how a program gets to its pod: by the path of its socket, or over a pipe that is there already. */
import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { errnoOf, errorMessage, NikaError } from '../../model/error.ts';
import { type LinkOptions, PodLink } from './link.ts';
import { VERSIONS } from '../socket/frames.ts';
import type { Answers } from '../socket/protocol.ts';

export interface ConnectOptions {
  /** Of the pod's socket; by default what the pod put into `NIKA_SOCKET`. */
  readonly path?: string | undefined;
  /** Instead of a socket: a connected stream with a pod at its other end. */
  readonly stream?: Duplex | undefined;
  /** What the pod shows of who is connected. */
  readonly client?: string | undefined;
  /** For connecting and for each answer; 5,000 by default. An answer that the pod announces as waiting may take longer. */
  readonly deadlineMs?: number | undefined;
  /**
   * Reporting never throws and the work goes on, also where no pod is to be reached: what was not told is counted in
   * `missed()`. A call that is denied is still an error, and so is what gives something back (`facts`, `send` …).
   */
  readonly failOpen?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

const DEADLINE_MS = 5000;
const AGAIN_AFTER_MS = 10;

export const deadlineOf = ({ deadlineMs = DEADLINE_MS }: ConnectOptions): number => deadlineMs;

/** EAGAIN: more connect at once than the system keeps waiting. */
const openSocket = async (path: string, deadlineMs: number, outside: AbortSignal | undefined): Promise<Socket> => {
  const late = AbortSignal.timeout(deadlineMs);
  const signal = outside === undefined ? late : AbortSignal.any([outside, late]);
  for (;;) {
    const socket = createConnection(path);
    try {
      await once(socket, 'connect', { signal });
      return socket;
    } catch (thrown) {
      socket.destroy();
      outside?.throwIfAborted();
      if (late.aborted) throw new NikaError('NIKA_POD_LATE', `no connection to ${path} in ${deadlineMs} ms`);
      const errno = errnoOf(thrown);
      if (errno !== 'EAGAIN') {
        const why = `no pod is reached at ${path} (${errno ?? errorMessage(thrown)})`;
        throw new NikaError('NIKA_POD_UNREACHABLE', why, { subject: path, cause: thrown });
      }
    }
    await sleep(AGAIN_AFTER_MS);
  }
};

/**
 * A connection that has said hello.
 * @throws {NikaError} `NIKA_POD_OUTSIDE`, `NIKA_POD_UNREACHABLE`, `NIKA_POD_LATE`, `NIKA_POD_PROTOCOL`, `NIKA_POD_BUSY`
 */
export const openLink = async (
  options: ConnectOptions,
  hear: Pick<LinkOptions, 'onPush' | 'onGone'>,
): Promise<{ readonly link: PodLink; readonly hello: Answers['hello'] }> => {
  const { path = process.env['NIKA_SOCKET'] ?? '', client, signal } = options;
  if (options.stream === undefined && path === '')
    throw new NikaError('NIKA_POD_OUTSIDE', 'not inside a pod: NIKA_SOCKET is not set');
  const deadlineMs = deadlineOf(options);
  const stream = options.stream ?? (await openSocket(path, deadlineMs, signal));
  const link = new PodLink(stream, { deadlineMs, ...hear }).start();
  try {
    const hello = await link.request('hello', { v: VERSIONS.newest, client }, signal);
    return { link, hello };
  } catch (thrown) {
    await link.close();
    throw thrown;
  }
};
