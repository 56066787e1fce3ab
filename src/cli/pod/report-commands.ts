/** Owns `nika report …`: how a shell script inside a pod tells its pod what it does. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { NikaError } from '../../model/error.ts';
import type { PodClient } from '../../pod/client/client.ts';
import type { Terminal } from '../terminal.ts';

interface ReportOptions {
  readonly socket?: string;
  readonly ifPod?: true;
}

interface ToolOptions extends ReportOptions {
  readonly input?: unknown;
  readonly response?: unknown;
  readonly error?: string;
  readonly duration?: string;
  readonly task?: string;
}

interface TaskOptions extends ReportOptions {
  readonly outcome: 'completed' | 'failed' | 'cancelled';
  readonly summary?: string;
}

interface UsageOptions extends ReportOptions {
  readonly model?: string;
  readonly inputTokens?: number;
  readonly outputTokens?: number;
  readonly cacheReadTokens?: number;
  readonly cacheWriteTokens?: number;
  readonly reasoningTokens?: number;
  readonly cost?: number;
  readonly costLater?: true;
  readonly scope: 'call' | 'turn' | 'run';
  readonly task?: string;
}

/** Of what is piped in; the pod caps a body at less. */
const STDIN_MAX_BYTES = 2 * 1024 * 1024;
/** What `--response -` is until standard input was read. */
const FROM_STDIN = Symbol('standard input');

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new InvalidArgumentError(`It is JSON; a text is given as '"text"'.`);
  }
};

const parseResponse = (text: string): unknown => (text === '-' ? FROM_STDIN : parseJson(text));

/** To its end, so that what writes into the pipe is not killed; only the head is kept. JSON where it is JSON, else text. */
const readStdin = async (): Promise<unknown> => {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    if (bytes < STDIN_MAX_BYTES) chunks.push(chunk);
    bytes += chunk.length;
  }
  const text = Buffer.concat(chunks).subarray(0, STDIN_MAX_BYTES).toString();
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
};

const durationMs = async (duration: string | undefined): Promise<number | undefined> => {
  if (duration === undefined) return undefined;
  const { parseDurationMs } = await import('../../config/quantity.ts');
  const ms = parseDurationMs(duration);
  if (ms !== undefined) return ms;
  throw new NikaError('NIKA_CLI_USAGE', `"${duration}" is no duration such as 120ms, 3s or 1m30s`);
};

/** With `--if-pod` a pod that is not there, or no longer, is no error: the script goes on as if nothing had been asked. */
const withPod = async (
  { socket, ifPod }: ReportOptions,
  terminal: Terminal,
  work: (pod: PodClient) => Promise<void>,
): Promise<void> => {
  const { connect } = await import('../../pod/client/client.ts');
  try {
    await using pod = await connect({ path: socket ?? terminal.env['NIKA_SOCKET'] ?? '', client: 'nika report' });
    await work(pod);
  } catch (thrown) {
    const isNoPod =
      thrown instanceof NikaError && (thrown.code === 'NIKA_POD_OUTSIDE' || thrown.code === 'NIKA_POD_UNREACHABLE');
    if (!isNoPod || ifPod !== true) throw thrown;
  }
};

const reportTool = async (tool: string, options: ToolOptions, terminal: Terminal): Promise<void> => {
  const { input = null, error, task } = options;
  const took = await durationMs(options.duration);
  const response = options.response === FROM_STDIN ? await readStdin() : options.response;
  await withPod(options, terminal, (pod) =>
    pod.report({ tool, input, task, ok: error === undefined, response, error, duration_ms: took }),
  );
};

const parseTokens = (text: string): number => {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It is a whole number.');
};

const parseUsd = (text: string): number => {
  if (/^\d{1,9}(\.\d{1,12})?$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It is a number of US dollars, such as 0.25.');
};

const reportUsage = (options: UsageOptions, terminal: Terminal): Promise<void> => {
  const { model, inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens, reasoningTokens } = options;
  const { cost, costLater, scope, task } = options;
  if (cost !== undefined && costLater === true)
    throw new NikaError('NIKA_CLI_USAGE', '--cost and --cost-later exclude each other');
  const usage = {
    model,
    input_tokens: inputTokens,
    output_tokens: outputTokens,
    cache_read_tokens: cacheReadTokens,
    cache_write_tokens: cacheWriteTokens,
    reasoning_tokens: reasoningTokens,
    cost_usd: cost,
    cost_later: costLater,
    scope,
    task,
  };
  return withPod(options, terminal, (pod) => pod.usage(usage));
};

const addUsageCommand = (report: Command, terminal: Terminal): void => {
  addTo(report, 'usage', 'Tells of tokens that the program used of a model, each once; the budgets count them.')
    .option('--model <model>', 'as its provider calls it')
    .option('--input-tokens <count>', 'without those that came from or went into a cache', parseTokens)
    .option('--output-tokens <count>', 'with those of reasoning', parseTokens)
    .option('--cache-read-tokens <count>', 'that came from a cache', parseTokens)
    .option('--cache-write-tokens <count>', 'that went into a cache', parseTokens)
    .option('--reasoning-tokens <count>', 'of the output', parseTokens)
    .option('--cost <dollars>', 'what it cost; without it the price table says', parseUsd)
    .option('--cost-later', 'what it cost is told at the end, with --scope run --cost, for all that said so')
    .addOption(new Option('--scope <scope>', 'of what').choices(['call', 'turn', 'run']).default('call'))
    .option('--task <name>', 'a TASK that was started')
    .action((options: UsageOptions) => reportUsage(options, terminal));
};

const reportFacts = (options: ReportOptions & { readonly json?: true }, terminal: Terminal): Promise<void> =>
  withPod(options, terminal, async (pod) => {
    const facts = await pod.facts();
    const { renderTable } = await import('../table.ts');
    const rows = Object.entries<unknown>({ ...facts }).map(([name, value]) => [
      terminal.paint('dim', name.replaceAll('_', ' ')),
      String(value),
    ]);
    terminal.print(options.json ? `${JSON.stringify(facts)}\n` : renderTable(rows));
  });

/** A command that talks to the pod: with the options that all of them have. */
const addTo = (parent: Command, usage: string, description: string): Command =>
  parent
    .command(usage)
    .description(description)
    .option('--socket <path>', 'the socket of the pod; by default what NIKA_SOCKET names')
    .option('--if-pod', 'outside of a pod, or when it is gone: do nothing, quietly, exit 0');

const addTaskCommands = (report: Command, terminal: Terminal): void => {
  const task = report.command('task').description('start and end TASKs of the pod');
  addTo(task, 'start <name>', 'Starts a TASK; calls are put into it with "nika report tool --task <name>".').action(
    (name: string, options: ReportOptions) => withPod(options, terminal, (pod) => pod.startTask(name)),
  );
  addTo(task, 'end <name>', 'Ends a TASK that was started. What is left open ends with the pod.')
    .addOption(
      new Option('--outcome <outcome>', 'how it ended')
        .choices(['completed', 'failed', 'cancelled'])
        .default('completed'),
    )
    .option('--summary <text>', 'what came of it')
    .action((name: string, options: TaskOptions) => {
      const { outcome, summary } = options;
      return withPod(options, terminal, (pod) => pod.endTask({ task: name, outcome, summary }));
    });
};

export const addReportCommands = (program: Command, terminal: Terminal): void => {
  const report = program
    .command('report')
    .description('tell the pod that you run in what you do (for shell scripts)')
    .addHelpText(
      'after',
      `
Outside of a pod a report is an error (exit 2). A script that also runs without nika says --if-pod.

Examples:
  $ nika report tool lint --input '{"files": 12}' --response '{"warnings": 0}' --duration 3s
  $ make 2>&1 | nika report tool make --response - --if-pod
  $ nika report tool deploy --error 'the host refused'
  $ nika report usage --model gpt-6-sol --input-tokens 1200 --output-tokens 300
  $ nika report task start build && make && nika report task end build
  $ nika report result '{"version": "1.4.0"}'`,
    );
  addTo(report, 'tool <name>', 'Tells of a tool call that was made; on the bus it is marked as reported.')
    .option('--input <json>', 'what the tool was given', parseJson)
    .option('--response <json>', 'what it gave; "-" reads it from standard input, as JSON or as text', parseResponse)
    .option('--error <text>', 'why it failed; without it the call was a success')
    .option('--duration <duration>', 'how long it took, such as 120ms')
    .option('--task <name>', 'a TASK that was started')
    .action((tool: string, options: ToolOptions) => reportTool(tool, options, terminal));
  addTo(report, 'note <text>', 'Writes a note into the story of the pod.')
    .addOption(new Option('--level <level>', 'how much it matters').choices(['info', 'warn', 'error']).default('info'))
    .action((text: string, options: ReportOptions & { readonly level: 'info' | 'warn' | 'error' }) =>
      withPod(options, terminal, (pod) => pod.note({ text, level: options.level })),
    );
  addUsageCommand(report, terminal);
  addTaskCommands(report, terminal);
  addTo(report, 'result', 'Sets the result of the pod; the last one counts.')
    .argument('<json>', 'any JSON', parseJson)
    .action((value: unknown, options: ReportOptions) => withPod(options, terminal, (pod) => pod.result(value)));
  addTo(report, 'facts', 'Shows what the pod is and how it stands.')
    .option('--json', 'one JSON object')
    .action((options: ReportOptions & { readonly json?: true }) => reportFacts(options, terminal));
};
