/** Owns a server of a test that takes webhooks: it answers as it is told, keeps what came, and verifies signatures by itself. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';

/** `hang`: takes the request and never answers; `reset`: closes the connection. */
export type Answer =
  | number
  | 'hang'
  | 'reset'
  | { readonly status: number; readonly headers: Readonly<Record<string, string>> }
  | { readonly status: number; readonly afterMs: number };

export interface Taken {
  readonly atMs: number;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** As it came. */
  readonly body: string;
  readonly json: Readonly<Record<string, unknown>>;
}

/**
 * By the text of the Standard Webhooks specification, and nothing of nika: HMAC-SHA256 over "{id}.{timestamp}.{body}"
 * with the base64-decoded secret, base64, behind "v1,"; and no older than 5 minutes.
 */
export const isSigned = ({ headers, body }: Taken, secret: string): boolean => {
  const { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures = '' } = headers;
  if (Math.abs(Date.now() / 1000 - Number(timestamp)) > 300) return false;
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
  const wanted = createHmac('sha256', key)
    .update(`${String(id)}.${String(timestamp)}.${body}`)
    .digest();
  return String(signatures)
    .split(' ')
    .some((one) => {
      const [version, given = ''] = one.split(',');
      const bytes = Buffer.from(given, 'base64');
      return version === 'v1' && bytes.length === wanted.length && timingSafeEqual(bytes, wanted);
    });
};

export class WebhookServer implements AsyncDisposable {
  readonly taken: Taken[] = [];
  /** One after the other; the last one stands. */
  answers: Answer[] = [200];
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    server.on('request', (request: IncomingMessage, response: ServerResponse) => this.#take(request, response));
  }

  static async open(...answers: Answer[]): Promise<WebhookServer> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const opened = new WebhookServer(server);
    if (answers.length > 0) opened.answers = answers;
    return opened;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/hook`;
  }

  #take(request: IncomingMessage, response: ServerResponse): void {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString('utf8');
      const { url: path = '', headers } = request;
      this.taken.push({ atMs: performance.now(), path, headers, body, json: JSON.parse(body) as Taken['json'] });
      const answer = this.answers.length > 1 ? this.answers.shift() : this.answers[0];
      this.#answer(answer ?? 200, request, response);
    });
    request.on('error', () => undefined); // it was given up
  }

  #answer(answer: Answer, request: IncomingMessage, response: ServerResponse): void {
    if (answer === 'hang') return;
    if (answer === 'reset') request.socket.destroy();
    else if (typeof answer === 'number') response.writeHead(answer).end('a body that nobody reads');
    else if ('headers' in answer) response.writeHead(answer.status, answer.headers).end();
    else setTimeout(() => response.writeHead(answer.status).end(), answer.afterMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
