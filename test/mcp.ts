/** Owns how tests are an agent's MCP client: the SDK's own, over stdio, to the real `nika mcp`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import type { CallToolResult, Progress, Tool } from '@modelcontextprotocol/sdk/types.js';
import { binary, type TestHome } from './nika.ts';
import { until } from './pods.ts';

export interface Told {
  readonly text: string;
  readonly isError: boolean;
}

export interface McpOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly client?: string;
}

export class McpAgent implements AsyncDisposable {
  readonly #client: Client;
  readonly #transport: StdioClientTransport;
  #stderr = '';

  private constructor(client: Client, transport: StdioClientTransport) {
    this.#client = client;
    this.#transport = transport;
    transport.stderr?.on('data', (chunk) => {
      this.#stderr += String(chunk);
    });
  }

  static async open(home: TestHome, { env = {}, cwd = home.cwd, client = 'test-agent' }: McpOptions = {}) {
    const transport = new StdioClientTransport({
      command: process.execPath,
      args: [binary, 'mcp'],
      cwd,
      env: { PATH: process.env['PATH'] ?? '', HOME: home.dir, NIKA_HOME: home.dir, ...env },
      stderr: 'pipe',
    });
    const agent = new McpAgent(new Client({ name: client, version: '1.0.0' }), transport);
    await agent.#client.connect(transport);
    return agent;
  }

  get pid(): number {
    return this.#transport.pid ?? 0;
  }

  get stderr(): string {
    return this.#stderr;
  }

  get instructions(): string {
    return this.#client.getInstructions() ?? '';
  }

  async tools(): Promise<readonly Tool[]> {
    return (await this.#client.listTools()).tools;
  }

  async call(
    name: string,
    input: Readonly<Record<string, unknown>> = {},
    how: { readonly onprogress?: (progress: Progress) => void; readonly signal?: AbortSignal } = {},
  ): Promise<Told> {
    const options = { ...how, timeout: 60_000 };
    const told = (await this.#client.callTool({ name, arguments: input }, undefined, options)) as CallToolResult;
    const [content] = told.content;
    if (content?.type !== 'text' || told.content.length > 1) throw new Error('an answer is one text');
    return { text: content.text, isError: told.isError === true };
  }

  /** Starts a pod; its id. @throws where it was refused */
  async start(job: string, more: Readonly<Record<string, unknown>> = {}): Promise<string> {
    const { text, isError } = await this.call('start_pod', { job, ...more });
    const id = /JOB-[\w.-]*\w/.exec(text)?.[0];
    if (isError || id === undefined) throw new Error(text);
    return id;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.close();
  }
}

/** A job by its fields, in YAML. */
export const addJob = (home: TestHome, name: string, fields: string): void => {
  const head = `name: ${name}\ndescription: A job of a test.\ndomain: test\nintent: prove\n`;
  writeFileSync(join(home.dir, 'config/jobs', `${name}.yaml`), `${head}${fields}\n`);
};

/** A job whose program says in which environment it runs, and stays. */
export const addHostJob = (home: TestHome): void => {
  addJob(
    home,
    'host',
    `command: 'env -0 > "$NIKA_ENTITY_ID.env.part"; mv "$NIKA_ENTITY_ID.env.part" "$NIKA_ENTITY_ID.env"; exec sleep 300'`,
  );
};

/** The environment of a program that runs in the pod, once it runs. */
export const envInside = async (home: TestHome, entity: string): Promise<Readonly<Record<string, string>>> => {
  const text = await until(`the program of ${entity} to run`, () => {
    try {
      return readFileSync(join(home.cwd, `${entity}.env`), 'utf8');
    } catch {
      return undefined; // not yet
    }
  });
  const pairs = text.split('\0').filter((pair) => pair.includes('='));
  return Object.fromEntries(pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]));
};

/** An agent inside of a pod that runs. */
export const openInside = async (home: TestHome, entity: string): Promise<McpAgent> => {
  if (!(await home.nika('pod', 'start', 'host', '-d', '--id', entity)).stdout.includes(entity))
    throw new Error(`${entity} did not start`);
  return McpAgent.open(home, { env: await envInside(home, entity) });
};
