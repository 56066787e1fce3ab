/**
 * Owns the run of a job's agent: its CLI with hooks that nika made for this run alone, until it is done, and again where
 * somebody spoke to it meanwhile.
 *
 * A3. Every way to end leaves the last word to the pod: what the agent left open is ended here, not by its hooks.
 */
import { join } from 'node:path';
import { bestEffort, bestEffortSync } from '../failopen/best-effort.ts';
import { whyNotStarted } from '../failopen/program.ts';
import { NO_HOOKS } from '../hooks/hook-pipeline.ts';
import { NikaError } from '../model/error.ts';
import { mcpServerCommand } from '../mcp/server-command.ts';
import { AgentDesk } from '../pod/host/agent-desk.ts';
import { SilenceWatch } from '../pod/host/silence-watch.ts';
import { exitCodeOf } from '../pod/runner/command-runner.ts';
import type { OpenAgentRunner, Runner, RunnerContext, RunnerOutcome } from '../pod/runner/runner.ts';
import { findProgram } from '../pod/tree/find-program.ts';
import { Watchdog } from '../pod/watchdog.ts';
import type { AgentAdapter, AgentOutcome, AgentReader, AgentWish, HookPlace } from './adapter.ts';
import { runAgentProcess } from './agent-process.ts';
import { resolveWish } from './agent-wish.ts';
import { HookEndpoint } from './endpoint/hook-endpoint.ts';
import { HookSpool } from './endpoint/hook-spool.ts';
import { hookOfFile } from './endpoint/shell-hook.ts';
import { loadAdapter } from './find-adapter.ts';
import { openRunFolder } from './run-folder.ts';

/** Reading what is left of session files, and the like. */
const END_BUDGET_MS = 3_000;
const SPOOL_BUDGET_MS = 1_000;
/** A supervisor that is blocked for longer is killed: an agent waits for each of its hooks. */
const BLOCKED_MS = 3_000;
/** As shells say of a command that cannot be found. */
const NOT_FOUND = 127;

/** Beside the pod's own socket, so that its path is short enough too. */
const hookSocketOf = (env: Readonly<Record<string, string>>): string | undefined =>
  env['NIKA_SOCKET']?.replace(/\.sock$/, '.hook');

/** One sentence, and how to come by it. */
export const missingText = ({ name, program, install }: AgentAdapter): string =>
  `${name} is not installed: there is no "${program}" on the PATH. Install it with: ${install}`;

interface Run {
  readonly context: RunnerContext;
  readonly adapter: AgentAdapter;
  readonly desk: AgentDesk;
  readonly place: HookPlace;
  /** Told of each sign of life; `undefined`: a person sits before its screen. */
  readonly silence: SilenceWatch | undefined;
}

/** The agent once, from its start to its end. */
const runOnce = async (run: Run, wish: AgentWish, reader: AgentReader): Promise<RunnerOutcome> => {
  const { context, adapter, desk, place, silence } = run;
  const start = await adapter.prepare(wish, place);
  if (start.degraded !== undefined) desk.degrade(start.degraded);
  const take = (line: string): void => {
    silence?.seen();
    bestEffortSync('agent.line', () => reader.line(line));
  };
  const ending = await runAgentProcess(context, start, wish.prompt === undefined ? undefined : take);
  if (ending.kind === 'not-started') {
    return { kind: 'failed', error: whyNotStarted(ending.thrown, start.argv[0], wish.cwd), exitCode: NOT_FOUND };
  }
  const told = await bestEffort('agent.end', { withinMs: END_BUDGET_MS }, () => reader.end(ending.exit));
  if (ending.kind === 'stopped') return { kind: 'cancelled' };
  const { code, signal } = ending.exit;
  const outcome: AgentOutcome =
    told.kind === 'done' ? told.value : { ok: code === 0, message: null, error: 'what it told could not be read' };
  if (outcome.ok) return { kind: 'completed', result: outcome.message };
  const exitCode = code === 0 ? 1 : exitCodeOf({ code, signal });
  return { kind: 'failed', error: outcome.error ?? `${adapter.name} failed`, exitCode, result: outcome.message };
};

/** Until nobody has anything more to say to it. */
const runTurns = async (run: Run, wish: AgentWish, reader: AgentReader): Promise<RunnerOutcome> => {
  const { context, desk } = run;
  let outcome = await runOnce(run, wish, reader);
  while (outcome.kind === 'completed' && wish.prompt !== undefined && desk.messageCount > 0) {
    const { agentSession } = desk;
    if (agentSession === undefined || context.stop.signal.aborted) break;
    const prompt = desk.takeMessages('resumed turn');
    if (prompt === undefined) break;
    outcome = await runOnce(run, { ...wish, prompt, resume: agentSession }, reader);
  }
  return outcome;
};

/**
 * What runs the job's agent.
 * @throws {NikaError} `NIKA_AGENT_MISSING`: its CLI is not installed.
 */
export const openAgentRunner: OpenAgentRunner = async (kind, { cwd, env }): Promise<Runner> => {
  const adapter = await loadAdapter(kind);
  if (findProgram({ file: adapter.program, args: [], cwd, env }) === undefined) {
    throw new NikaError('NIKA_AGENT_MISSING', missingText(adapter), { subject: adapter.program });
  }
  return (context) => runAgentJob(context, adapter);
};

const runAgentJob = async (context: RunnerContext, adapter: AgentAdapter): Promise<RunnerOutcome> => {
  const { session, host, entity, control } = context;
  let wish: AgentWish;
  try {
    wish = resolveWish(context);
  } catch (thrown) {
    if (!(thrown instanceof NikaError)) throw thrown;
    return { kind: 'failed', error: thrown.message };
  }
  const kind = adapter.kind;
  const onAgentSession = (id: string): void => context.onAgentSession(kind, id);
  const desk = new AgentDesk({ session, host, job: entity, control, onAgentSession });
  const reader = adapter.open(desk, wish);
  const afterMs = context.settings.agents.silentAfterMs;
  using silence = wish.prompt === undefined ? undefined : SilenceWatch.start({ desk, control, afterMs });
  const handle = (event: string, payload: Readonly<Record<string, unknown>>): Promise<string> => {
    if (desk.isClosed) return Promise.resolve('');
    silence?.seen();
    return reader.hook(event, payload);
  };
  using folder = openRunFolder(context.home.runDir, session.id);
  const { dir } = folder;
  await using endpoint = await HookEndpoint.open({ handle, socket: hookSocketOf(context.env) });
  using spool = HookSpool.open(join(dir, 'spool'), (event, payload, name) =>
    endpoint.claim(hookOfFile(name)) ? desk.unheard(() => handle(event, payload)) : Promise.resolve(''),
  );
  session.countDrops(() => hookDrops(endpoint, spool));
  using _watchdog = Watchdog.start({
    limitMs: BLOCKED_MS,
    onMissing: (why) => session.log.write('warn', 'no watchdog', { why }),
  });
  if (endpoint.url === '' && endpoint.socket === '') desk.degrade('no socket could be opened for the hooks');
  const { url, token, socket } = endpoint;
  const mayAsk = context.hooks !== NO_HOOKS;
  const mcp = context.settings.mcp.inAgents ? mcpServerCommand(context.env) : undefined;
  const spoolDir = join(dir, 'spool');
  const place: HookPlace = { dir, url, token, socket, spool: spoolDir, mayAsk, mcp, sessionId: session.id };
  try {
    return await runTurns({ context, adapter, desk, place, silence }, wish, reader);
  } catch (thrown) {
    if (!(thrown instanceof NikaError)) throw thrown;
    return { kind: 'failed', error: thrown.message }; // what the adapter cannot do
  } finally {
    await bestEffort('hooks.spool', { withinMs: SPOOL_BUDGET_MS }, () => spool.take());
    await desk.close(); // A3
  }
};

const hookDrops = (endpoint: HookEndpoint, spool: HookSpool): Readonly<Record<string, number>> => ({
  ...Object.fromEntries(Object.entries(endpoint.refused()).map(([name, count]) => [`hooks_${name}`, count])),
  hooks_unreadable: spool.unreadable,
});
