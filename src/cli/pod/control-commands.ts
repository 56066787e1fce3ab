/** Owns the commands that speak to a pod that runs: pause, unpause, send, allow, deny, attach. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import { NikaError } from '../../model/error.ts';
import { TMUX_SOCKET } from '../../pod/launch/tmux-socket.ts';
import type { PodRecord } from '../../pod/registry/pod-record.ts';
import { statusOf } from '../../pod/registry/pod-status.ts';
import type { PodClient } from '../../pod/client/client.ts';
import type { Terminal } from '../terminal.ts';
import { namedPods, openPodContext } from './pod-context.ts';

interface ControlFlags {
  readonly home?: string;
}

const CONNECT_BUDGET_MS = 2_000;

const over = (record: PodRecord): NikaError =>
  new NikaError('NIKA_POD_OVER', `${record.entity} cannot be reached: it is ${statusOf(record)}`, {
    subject: record.entity,
    remedy: `See how it stands: nika pod show ${record.entity}`,
  });

/** Does something with each of the named pods, one after the other. @throws {NikaError} `NIKA_POD_OVER` */
const withPods = async (
  names: readonly string[],
  flags: ControlFlags,
  terminal: Terminal,
  act: (client: PodClient, record: PodRecord) => Promise<void>,
): Promise<void> => {
  const [context, { connect }] = await Promise.all([
    openPodContext(flags.home, terminal),
    import('../../pod/client/client.ts'),
  ]);
  for (const record of await namedPods(names, context)) {
    if (record.end !== null || record.socket === null) throw over(record);
    await using client = await connect({ path: record.socket, signal: AbortSignal.timeout(CONNECT_BUDGET_MS) });
    await act(client, record);
  }
};

const send = async (
  name: string,
  text: string,
  flags: ControlFlags & { from?: string },
  terminal: Terminal,
): Promise<void> => {
  const context = await openPodContext(flags.home, terminal);
  if (text.trim() === '') throw new NikaError('NIKA_CLI_USAGE', 'the message is empty');
  const [named] = await namedPods([name], context);
  const { goesOnAs, hasEndedSession, resumeAgent } = await import('./resume-agent.ts');
  const other = named === undefined ? undefined : goesOnAs(named, context);
  if (named !== undefined && other === undefined && hasEndedSession(named)) {
    return resumeAgent(named, text, context, terminal);
  }
  if (other !== undefined) terminal.warn(`${named?.entity} has ended: its session goes on as ${other.entity}`);
  return withPods([other?.entity ?? name], flags, terminal, async (client, record) => {
    if (record.tmux !== null) {
      await typeInto(record.tmux, text);
      return;
    }
    const listeners = await client.send(flags.from === undefined ? text : { text, from: flags.from });
    if (listeners === 0) terminal.warn(`${record.entity} does not listen now: the message waits for when it does`);
  });
};

const tmux = async (args: readonly string[], stdio: 'inherit' | 'ignore'): Promise<number> => {
  const child = spawn('tmux', ['-L', TMUX_SOCKET, ...args], { stdio });
  try {
    const [code] = (await once(child, 'exit')) as [number | null];
    return code ?? 1;
  } catch (cause) {
    throw new NikaError('NIKA_POD_OVER', 'tmux cannot be started', { subject: 'tmux', cause });
  }
};

/** What comes faster than fingers is pasted, for Codex: an Enter right behind it is a new line of it, not the end. */
const AFTER_PASTE_MS = 500;

const typeInto = async (session: string, text: string): Promise<void> => {
  await tmux(['send-keys', '-t', session, '-l', '--', text], 'ignore');
  await delay(AFTER_PASTE_MS);
  await tmux(['send-keys', '-t', session, 'Enter'], 'ignore');
};

const attach = async (name: string, flags: ControlFlags, terminal: Terminal): Promise<void> => {
  const context = await openPodContext(flags.home, terminal);
  const [record] = await namedPods([name], context);
  if (record === undefined) return;
  if (record.end !== null) throw over(record);
  if (record.tmux === null) {
    throw new NikaError('NIKA_POD_OVER', `${record.entity} has no terminal of its own`, {
      subject: record.entity,
      remedy: `Start it with -d --tmux, or follow its output: nika pod logs -f ${record.entity}`,
    });
  }
  process.exitCode = await tmux(['attach-session', '-t', record.tmux], 'inherit');
};

const HOME_FLAG = ['--home <dir>', 'the home: config/, _bus/, logs/, run/'] as const;
const ID = 'id, unique prefix, name of a job that runs, or @last';

const addPauseCommands = (pod: Command, terminal: Terminal): void => {
  pod
    .command('pause')
    .description('Holds pods before their next tool call; a program is stopped. The clock of limits stands still.')
    .argument('<id...>', ID)
    .option(...HOME_FLAG)
    .addHelpText('after', '\nExamples:\n  $ nika pod pause k3f9\n  $ nika pod unpause k3f9')
    .action((names: string[], flags: ControlFlags) =>
      withPods(names, flags, terminal, async (client, { entity }) => {
        terminal.print(`${entity} ${await client.pause()}\n`);
      }),
    );
  pod
    .command('unpause')
    .description('Lets paused pods go on.')
    .argument('<id...>', ID)
    .option(...HOME_FLAG)
    .action((names: string[], flags: ControlFlags) =>
      withPods(names, flags, terminal, async (client, { entity }) => {
        terminal.print(`${entity} ${await client.unpause()}\n`);
      }),
    );
};

const addAnswerCommands = (pod: Command, terminal: Terminal): void => {
  for (const allow of [true, false]) {
    pod
      .command(allow ? 'allow' : 'deny')
      .description(`${allow ? 'Allows' : 'Denies'} the tool call that a pod waits with (policy "ask").`)
      .argument('<id>', ID)
      .option('--reason <text>', 'why; the pod is told')
      .option(...HOME_FLAG)
      .action((name: string, flags: ControlFlags & { reason?: string }) =>
        withPods([name], flags, terminal, async (client, { entity }) => {
          const call = await client.answer({
            allow,
            ...(flags.reason === undefined ? {} : { reason: flags.reason }),
          });
          terminal.print(`${entity} ${allow ? 'allowed' : 'denied'} ${call}\n`);
        }),
      );
  }
};

export const addControlCommands = (pod: Command, terminal: Terminal): void => {
  addPauseCommands(pod, terminal);
  addAnswerCommands(pod, terminal);
  pod
    .command('send')
    .description(
      'Sends a message to what runs in a pod: to an agent, a module or a client that listens, or typed into its tmux.',
    )
    .argument('<id>', ID)
    .argument('<text>', 'the message')
    .option('--from <name>', 'who says so')
    .option(...HOME_FLAG)
    .addHelpText(
      'after',
      `
An agent gets it with its next tool call, or at the end of its turn; "nika bus show" tells when. The session of an agent
that has ended is gone on with: in a pod of its own, in the background, whose id is printed.

Examples:
  $ nika pod send k3f9 "stop after this commit"
  $ nika pod send @last "now write the changelog"`,
    )
    .action((name: string, text: string, flags: ControlFlags & { from?: string }) => send(name, text, flags, terminal));
  pod
    .command('attach')
    .description('Into the terminal of a pod that was started with --tmux; Ctrl-b d leaves it again.')
    .argument('<id>', ID)
    .option(...HOME_FLAG)
    .addHelpText('after', '\nExamples:\n  $ nika run -d --tmux -- htop\n  $ nika pod attach htop')
    .action((name: string, flags: ControlFlags) => attach(name, flags, terminal));
};
