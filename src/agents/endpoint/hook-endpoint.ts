/**
 * Owns where the hooks of an agent arrive: HTTP on loopback, with a token and a port of its own, and the same on a Unix
 * socket that nobody else may open.
 *
 * E1. Whatever comes is answered soon and with success, or the agent would show its user an error of ours (G1).
 * E2. What cannot be taken is counted by name (G3).
 * E3. A command hook that was answered too late may leave its payload as a file as well: by its name it is taken once.
 */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { bestEffort } from '../../failopen/best-effort.ts';

export type HookPayload = Readonly<Record<string, unknown>>;

export interface HookEndpointOptions {
  /** Resolves, once what came is on the bus, to what is answered: JSON, or nothing. */
  readonly handle: (event: string, payload: HookPayload) => Promise<string>;
  /** Of the Unix socket; `undefined`: none. */
  readonly socket: string | undefined;
  /** Default true: also on loopback. */
  readonly hasTcp?: boolean;
}

type Refusal = 'unauthorised' | 'too_long' | 'not_json' | 'broken_off' | 'failed';

/** Longer payloads are read to their end and not kept (G6); Claude Code sends whole files with an edit. */
const MAX_BODY_BYTES = 32 * 1024 * 1024;
const LISTEN_BUDGET_MS = 1_000;
const TOKEN_BYTES = 24;
/** Names of hooks that are remembered (G6); the file of one that was given up comes within seconds. */
const MAX_TAKEN = 1_000;
const ROUTE = /^\/hook\/([A-Za-z0-9._-]{1,64})$/;

const bodyOf = async (request: IncomingMessage): Promise<Buffer | 'too_long'> => {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes <= MAX_BODY_BYTES) chunks.push(chunk);
    else chunks.length = 0;
  }
  return bytes > MAX_BODY_BYTES ? 'too_long' : Buffer.concat(chunks);
};

/** `undefined`: it is no object. */
export const parsePayload = (text: string): HookPayload | undefined => {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as HookPayload) : undefined;
  } catch {
    return undefined;
  }
};

const listen = async (server: Server, where: { port: number; host: string } | { path: string }): Promise<void> => {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen(where, () => resolve());
  await promise;
  server.off('error', reject);
  server.on('error', () => undefined); // of single connections: they are the client's affair
};

export class HookEndpoint implements AsyncDisposable {
  readonly token = randomBytes(TOKEN_BYTES).toString('base64url');
  readonly #options: HookEndpointOptions;
  readonly #servers: Server[] = [];
  readonly #refused = new Map<Refusal, number>();
  readonly #taken = new Set<string>();
  #url = '';
  #hasSocket = false;

  private constructor(options: HookEndpointOptions) {
    this.#options = options;
  }

  /** What could not be opened is missing afterwards: {@link url} or {@link socket} is empty. */
  static async open(options: HookEndpointOptions): Promise<HookEndpoint> {
    const endpoint = new HookEndpoint(options);
    await endpoint.#listen();
    return endpoint;
  }

  /** `http://127.0.0.1:<port>`; empty: it could not be opened. */
  get url(): string {
    return this.#url;
  }

  /** Empty: it could not be opened. */
  get socket(): string {
    return this.#hasSocket ? (this.#options.socket ?? '') : '';
  }

  /** Requests that could not be taken, by name; only what is not zero (G3). */
  refused(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#refused);
  }

  /** For who comes first with the hook of that name; false: it was taken (E3). */
  claim(name: string): boolean {
    if (this.#taken.has(name)) return false;
    if (this.#taken.size >= MAX_TAKEN) {
      const [oldest = ''] = this.#taken;
      this.#taken.delete(oldest);
    }
    this.#taken.add(name);
    return true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of this.#servers) {
      server.close();
      server.closeAllConnections();
    }
    if (this.#hasSocket) rmSync(this.#options.socket ?? '', { force: true });
    await Promise.resolve();
  }

  async #listen(): Promise<void> {
    if (this.#options.hasTcp !== false) await this.#listenOnLoopback();
    const { socket } = this.#options;
    if (socket === undefined) return;
    const unix = this.#server(false);
    const bound = await bestEffort('hooks.listen', { withinMs: LISTEN_BUDGET_MS }, () =>
      listen(unix, { path: socket }),
    );
    this.#hasSocket = bound.kind === 'done';
  }

  async #listenOnLoopback(): Promise<void> {
    const tcp = this.#server(true);
    const opened = await bestEffort('hooks.listen', { withinMs: LISTEN_BUDGET_MS }, () =>
      listen(tcp, { port: 0, host: '127.0.0.1' }),
    );
    if (opened.kind === 'done') this.#url = `http://127.0.0.1:${(tcp.address() as AddressInfo).port}`;
  }

  #server(wantsToken: boolean): Server {
    const server = createServer((request, response) => {
      this.#serve(request, response, wantsToken).then(
        () => undefined,
        () => this.#answer(response, 'failed'),
      );
    });
    // A connection that is kept must not be closed just when the agent uses it again: that hook would be lost.
    server.keepAliveTimeout = 0;
    server.headersTimeout = 0;
    server.requestTimeout = 0;
    this.#servers.push(server);
    return server;
  }

  async #serve(request: IncomingMessage, response: ServerResponse, wantsToken: boolean): Promise<void> {
    const event = ROUTE.exec(request.url ?? '')?.[1];
    if (event === undefined || request.method !== 'POST') {
      request.resume();
      response.writeHead(404).end();
      return;
    }
    if (wantsToken && !this.#isAuthorised(request)) {
      request.resume();
      this.#count('unauthorised');
      response.writeHead(401).end();
      return;
    }
    let body: Buffer | 'too_long';
    try {
      body = await bodyOf(request);
    } catch {
      this.#count('broken_off');
      return;
    }
    if (body === 'too_long') return this.#answer(response, 'too_long');
    const payload = parsePayload(body.toString());
    if (payload === undefined) return this.#answer(response, 'not_json');
    const name = request.headers['x-nika-hook'];
    if (typeof name === 'string' && !this.claim(name)) return this.#send(response, ''); // its file was found first
    this.#send(response, await this.#options.handle(event, payload));
  }

  #isAuthorised({ headers }: IncomingMessage): boolean {
    const given = Buffer.from(headers.authorization ?? '');
    const wanted = Buffer.from(`Bearer ${this.token}`);
    return given.length === wanted.length && timingSafeEqual(given, wanted);
  }

  /** E1: also for what failed. */
  #answer(response: ServerResponse, refusal: Refusal): void {
    this.#count(refusal);
    this.#send(response, '');
  }

  #send(response: ServerResponse, text: string): void {
    if (response.headersSent || response.destroyed) return;
    if (text === '') response.writeHead(204).end();
    else {
      const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) };
      response.writeHead(200, headers).end(text);
    }
  }

  #count(refusal: Refusal): void {
    this.#refused.set(refusal, (this.#refused.get(refusal) ?? 0) + 1);
  }
}
