/**
 * Runs `nika mcp`: a server of the Model Context Protocol on standard input and output. The only file that loads its SDK.
 *
 * M1. Standard output is the protocol's alone.
 * M2. Nothing that a client sends ends the server: what is refused, and what goes wrong, is an answer.
 * M3. It ends when its client is gone: what it waits for is given up, what it started goes on.
 */
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import {
  CallToolRequestSchema,
  type CallToolResult,
  ListToolsRequestSchema,
  type Tool,
} from '@modelcontextprotocol/sdk/types.js';
import { readVersion } from '../config/package-root.ts';
import { errorMessage } from '../model/error.ts';
import { Caller, type CallerOptions } from './caller.ts';
import { clip } from './clip.ts';
import { openPlace } from './place.ts';
import { refusalOf } from './refusal.ts';
import { type Answer, type McpTool, refused, type ToolContext } from './tool.ts';
import { toolSchema } from './tool-schema.ts';
import { INSTRUCTIONS, TOOLS } from './tools.ts';

export interface ServeOptions extends CallerOptions {
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  /** A line for whoever reads the log of the client. */
  readonly warn: (text: string) => void;
}

/** Of any answer, whatever a tool gives (G6). */
const MAX_ANSWER_CHARS = 120_000;
/** Calls under way; a client that makes more does not wait for answers. */
const MAX_CALLS = 100;
/** When the client has said its last word: what is under way may still be answered. */
const LAST_ANSWERS_MS = 5_000;

const described = (tool: McpTool): Tool => ({
  name: tool.name,
  title: tool.title,
  description: tool.description,
  inputSchema: toolSchema(tool),
  annotations: {
    readOnlyHint: tool.isReadOnly,
    destructiveHint: tool.isDestructive === true,
    openWorldHint: false,
  },
});

const toResult = ({ text, isRefused }: Answer): CallToolResult => ({
  content: [{ type: 'text', text: clip(text, MAX_ANSWER_CHARS) }],
  ...(isRefused ? { isError: true } : {}),
});

class McpServer {
  readonly #options: ServeOptions;
  readonly #caller: Caller;
  readonly #server: Server;
  readonly #calls = new Set<Promise<unknown>>();
  readonly #ending = new AbortController();
  readonly #closed = Promise.withResolvers<void>();

  constructor(options: ServeOptions) {
    this.#options = options;
    this.#caller = new Caller(options);
    const about = { name: 'nika', title: 'nika', version: readVersion() };
    this.#server = new Server(about, { capabilities: { tools: {} }, instructions: INSTRUCTIONS });
    this.#server.onerror = (error) => options.warn(`nika mcp: ${errorMessage(error)}`);
    this.#server.onclose = () => this.#closed.resolve();
    this.#server.oninitialized = () => {
      this.#caller.client = this.#server.getClientVersion()?.name ?? this.#caller.client;
    };
    this.#server.setRequestHandler(ListToolsRequestSchema, () => ({ tools: TOOLS.map(described) }));
    this.#server.setRequestHandler(CallToolRequestSchema, async ({ params }, { signal, _meta, sendNotification }) => {
      const token = _meta?.progressToken;
      const progress: ToolContext['progress'] = ({ done, total, message }) => {
        if (token === undefined || signal.aborted) return;
        const params = { progressToken: token, progress: done, total, message };
        sendNotification({ method: 'notifications/progress', params }).catch(() => undefined); // the client is gone
      };
      const both = AbortSignal.any([signal, this.#ending.signal]);
      return toResult(await this.#answer(params.name, params.arguments ?? {}, { progress, signal: both }));
    });
  }

  /** Resolves when the client is gone. */
  async run(): Promise<void> {
    const { stdin, stdout } = this.#options;
    const end = (): void => this.#end();
    for (const event of ['end', 'close', 'error']) stdin.once(event, end);
    stdout.once('error', end); // nobody reads the answers
    await this.#server.connect(new StdioServerTransport(stdin, stdout));
    await this.#closed.promise;
  }

  #end(): void {
    if (this.#ending.signal.aborted) return;
    this.#ending.abort(); // M3
    const settled = Promise.allSettled(this.#calls);
    const late = setTimeout(() => this.#closed.resolve(), LAST_ANSWERS_MS);
    settled
      .then(() => new Promise((resolve) => setImmediate(resolve))) // the SDK sends the answers
      .then(() => this.#server.close())
      .catch(() => undefined)
      .finally(() => {
        clearTimeout(late);
        this.#closed.resolve();
      });
  }

  /** M2 */
  async #answer(name: string, input: unknown, how: Pick<ToolContext, 'progress' | 'signal'>): Promise<Answer> {
    const tool = TOOLS.find((each) => each.name === name);
    if (tool === undefined) {
      return refused(
        `there is no tool "${clip(name, 60)}"`,
        `There are: ${TOOLS.map((each) => each.name).join(', ')}.`,
      );
    }
    if (this.#calls.size >= MAX_CALLS) {
      return refused(`${MAX_CALLS} calls are under way`, 'Wait for their answers first.');
    }
    const context: ToolContext = { caller: this.#caller, openPlace: () => openPlace(this.#caller), ...how };
    const call = this.#call(tool, input, context);
    this.#calls.add(call);
    const answer = await call;
    this.#calls.delete(call);
    return answer;
  }

  async #call(tool: McpTool, input: unknown, context: ToolContext): Promise<Answer> {
    try {
      return await tool.call(input, context);
    } catch (thrown) {
      if (context.signal.aborted) return refused(`${tool.name} was given up`);
      const refusal = refusalOf(thrown);
      if (refusal !== undefined) return refusal;
      const stack = thrown instanceof Error && thrown.stack !== undefined ? thrown.stack : errorMessage(thrown);
      this.#options.warn(`nika mcp: a bug of nika in ${tool.name}: ${stack}`);
      return refused(`a bug of nika: ${errorMessage(thrown)}`, 'Go on without; tell the person that you work for.');
    }
  }
}

/** Serves until the client is gone. */
export const serveMcp = (options: ServeOptions): Promise<void> => new McpServer(options).run();
