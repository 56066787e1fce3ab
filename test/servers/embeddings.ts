/** Owns an endpoint of the kind of OpenAI for dense vectors: real HTTP, with vectors that follow from the text, and with faults. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createHash } from 'node:crypto';

export type EmbeddingsFault =
  | { readonly kind: 'none' }
  /** It takes the request and says nothing. */
  | { readonly kind: 'hang' }
  /** It begins its answer and goes on no further. */
  | { readonly kind: 'stall' }
  | {
      readonly kind: 'status';
      readonly status: number;
      readonly body: string;
      readonly headers?: Record<string, string>;
    }
  | { readonly kind: 'body'; readonly body: string }
  | { readonly kind: 'dimension'; readonly dimension: number }
  /** An answer without end. */
  | { readonly kind: 'flood' }
  /** It takes no text longer than that. */
  | { readonly kind: 'longest'; readonly chars: number };

export interface EmbeddingsRequest {
  readonly path: string;
  readonly authorization: string | undefined;
  readonly model: string;
  readonly input: readonly string[];
}

export const vectorOf = (text: string, dimension: number): readonly number[] => {
  const hash = createHash('sha256').update(text).digest();
  return Array.from({ length: dimension }, (_, n) => Math.fround((hash[n % hash.byteLength] ?? 0) / 255));
};

export class EmbeddingsServer implements AsyncDisposable {
  readonly requests: EmbeddingsRequest[] = [];
  fault: EmbeddingsFault = { kind: 'none' };
  readonly #dimension: number;
  readonly #server: Server;

  private constructor(dimension: number) {
    this.#dimension = dimension;
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => this.#answer(request, Buffer.concat(chunks).toString('utf8'), response));
    });
  }

  static async open(dimension: number): Promise<EmbeddingsServer> {
    const server = new EmbeddingsServer(dimension);
    server.#server.listen(0, '127.0.0.1');
    await once(server.#server, 'listening');
    return server;
  }

  /** What the settings name. */
  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1`;
  }

  #answer({ url = '', headers }: IncomingMessage, body: string, response: ServerResponse): void {
    const { model, input } = JSON.parse(body) as { readonly model: string; readonly input: readonly string[] };
    this.requests.push({ path: url, authorization: headers.authorization, model, input });
    const { fault } = this;
    if (fault.kind === 'hang') return;
    if (fault.kind === 'stall') return void response.writeHead(200).write('{"data":[');
    if (fault.kind === 'status') return void response.writeHead(fault.status, fault.headers).end(fault.body);
    if (fault.kind === 'body') return void response.end(fault.body);
    if (fault.kind === 'flood') return this.#flood(response);
    if (fault.kind === 'longest' && input.some(({ length }) => length > fault.chars)) {
      response.writeHead(400).end('{"error":{"message":"too long for this model"}}');
      return;
    }
    const dimension = fault.kind === 'dimension' ? fault.dimension : this.#dimension;
    const data = input.map((text, index) => ({ object: 'embedding', index, embedding: vectorOf(text, dimension) }));
    response.end(JSON.stringify({ object: 'list', data: data.reverse() })); // the order is that of "index"
  }

  #flood(response: ServerResponse): void {
    const chunk = ' '.repeat(256 * 1024);
    const more = (): void => {
      while (!response.destroyed && response.write(chunk));
    };
    response.on('drain', more);
    more();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
