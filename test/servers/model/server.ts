/**
 * Owns the scripted model of a test: one server on loopback that speaks the four APIs of agents, plays a script, and knows
 * exactly which tool calls it made.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { Answer, Conversation, ModelApi, ModelError, StreamEvent } from './api.ts';
import { chatApi } from './chat-api.ts';
import { geminiApi } from './gemini-api.ts';
import { messagesApi } from './messages-api.ts';
import { type Play, type PlayedCall, Player, type SeenRequest } from './player.ts';
import { responsesApi } from './responses-api.ts';
import { MAIN_LANE, type ModelFault, type Script } from './script.ts';

const APIS: readonly ModelApi[] = [messagesApi, responsesApi, chatApi, geminiApi];
const ERROR: ModelError = { status: 500, message: 'The script wants this to fail.' };

export class ModelServer implements AsyncDisposable {
  readonly #player = new Player();
  readonly #server: Server;
  readonly #strays: string[] = [];
  readonly #closing = new AbortController();

  private constructor() {
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch((thrown: unknown) => this.#refuse(request, response, thrown));
    });
  }

  static async open(script?: Script): Promise<ModelServer> {
    const server = new ModelServer();
    if (script !== undefined) server.play(script);
    server.#server.listen(0, '127.0.0.1');
    await once(server.#server, 'listening');
    return server;
  }

  /** From now on; answers that were given count all the same. */
  play(script: Script): void {
    this.#player.load(script);
  }

  /** Without a path. */
  get url(): string {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('the model does not listen');
    return `http://127.0.0.1:${address.port}`;
  }

  get requests(): readonly SeenRequest[] {
    return this.#player.requests;
  }

  get calls(): readonly PlayedCall[] {
    return this.#player.calls;
  }

  /** What the agent said that a call answered, by the call's id. */
  get results(): ReadonlyMap<string, string> {
    return this.#player.results;
  }

  /** All that the agent said in its last request, as JSON. */
  heard(lane: string = MAIN_LANE): string {
    return this.#player.heard(lane);
  }

  /** What was asked for besides answers of the model, and what could not be read: `GET /v1/models`. */
  get strays(): readonly string[] {
    return this.#strays;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url ?? '/', 'http://127.0.0.1');
    const body = await readBody(request);
    const api = request.method === 'POST' ? APIS.find((one) => one.isAt(pathname)) : undefined;
    if (api === undefined) {
      this.#strays.push(`${request.method} ${pathname}`);
      // Claude Code counts tokens here, and Gemini at `:countTokens`; no other stray needs an answer.
      if (/count_?tokens$/i.test(pathname)) sendJson(response, 200, { input_tokens: 100, totalTokens: 100 });
      else sendJson(response, 404, { error: { message: `nothing is at ${pathname}` } });
      return;
    }
    const asked = api.parse(JSON.parse(body), pathname);
    const play = this.#player.play(api, { path: pathname, body, asked });
    if (await this.#fail(api, asked, play, response)) return;
    send(api, asked, play.answer, response);
  }

  /** Does what the step's fault says. `true`: that was the answer. */
  async #fail(api: ModelApi, asked: Conversation, play: Play, response: ServerResponse): Promise<boolean> {
    const { fault } = play;
    switch (fault?.kind) {
      case undefined:
        return false;
      case 'slow':
        await delay(fault.ms, undefined, { signal: this.#closing.signal });
        return false;
      case 'hang':
        return true; // until the agent leaves, or the server is closed
      case 'status':
        sendStatus(api, fault, response);
        return true;
      case 'cut':
      case 'error-event': {
        if (!asked.isStreamed) {
          sendJson(response, ERROR.status, api.errorBodyOf(ERROR));
          return true;
        }
        startStream(response);
        sendEvents(response, api.eventsOf({ ...play.answer, text: 'I begin.', calls: [] }).slice(0, 1));
        if (fault.kind === 'cut') {
          response.write('\n', () => response.destroy());
          return true;
        }
        sendEvents(response, [api.errorEventOf(ERROR)]);
        response.end();
        return true;
      }
    }
  }

  #refuse(request: IncomingMessage, response: ServerResponse, thrown: unknown): void {
    if (this.#closing.signal.aborted) return;
    this.#strays.push(`${request.method} ${request.url}: ${String(thrown)}`);
    if (response.headersSent) response.destroy();
    else sendJson(response, 400, { error: { message: String(thrown) } });
  }
}

const readBody = async (request: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
};

const sendJson = (response: ServerResponse, status: number, body: unknown): void => {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
};

const startStream = (response: ServerResponse): void => {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
};

const sendEvents = (response: ServerResponse, events: readonly StreamEvent[]): void => {
  for (const { event, data } of events) {
    response.write(`${event === undefined ? '' : `event: ${event}\n`}data: ${JSON.stringify(data)}\n\n`);
  }
};

const send = (api: ModelApi, asked: Conversation, answer: Answer, response: ServerResponse): void => {
  if (!asked.isStreamed) {
    sendJson(response, 200, api.bodyOf(answer));
    return;
  }
  startStream(response);
  sendEvents(response, api.eventsOf(answer));
  response.end(api.endMark === undefined ? undefined : `data: ${api.endMark}\n\n`);
};

const sendStatus = (
  api: ModelApi,
  { status, retryAfterS }: ModelFault & { kind: 'status' },
  response: ServerResponse,
): void => {
  if (retryAfterS !== undefined) response.setHeader('retry-after', String(retryAfterS));
  sendJson(response, status, api.errorBodyOf({ ...ERROR, status }));
};
