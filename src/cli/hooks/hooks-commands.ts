/** Owns `nika hooks` and `nika hook`: agents that nika does not start tell it of their tool calls. */
import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import type { HookChange, InstallStatus } from '../../agents/install/install-hooks.ts';
import type { InstallAgent, InstallScope } from '../../agents/install/installation.ts';
import type { Home } from '../../config/home.ts';
import { NikaError } from '../../model/error.ts';
import { printable } from '../format.ts';
import { renderTable } from '../table.ts';
import type { Terminal } from '../terminal.ts';

interface HooksFlags {
  readonly scope: string;
  readonly dryRun?: true;
  readonly json?: true;
  readonly home?: string;
}

const load = async () => {
  const [installation, hooks, home] = await Promise.all([
    import('../../agents/install/installation.ts'),
    import('../../agents/install/install-hooks.ts'),
    import('../../config/home.ts'),
  ]);
  return { ...installation, ...hooks, ...home };
};

/** Of the user, wherever they stand: sessions of all folders go there. */
const homeOf = async (flags: Pick<HooksFlags, 'home'>, { env }: Terminal): Promise<Home> => {
  const { resolveHome } = await import('../../config/home.ts');
  return resolveHome({ flag: flags.home, env, cwd: '/' });
};

const parseScope = (text: string, scopes: readonly InstallScope[]): InstallScope => {
  const scope = scopes.find((one) => one === text);
  if (scope !== undefined) return scope;
  throw new NikaError('NIKA_CLI_USAGE', `--scope is ${scopes.join(' or ')}, not "${text}"`, { subject: text });
};

const diffOf = async ({ file, before = '', after = '' }: HookChange, { paint }: Terminal): Promise<string> => {
  const { createTwoFilesPatch } = await import('diff');
  const patch = createTwoFilesPatch(file, file, before, after, '', '', { context: 2 });
  return patch
    .split('\n')
    .slice(1)
    .map((line) =>
      line.startsWith('+')
        ? paint('green', printable(line))
        : line.startsWith('-')
          ? paint('red', printable(line))
          : printable(line),
    )
    .join('\n');
};

type Act = 'install' | 'uninstall';

const told = (act: Act, { before, after }: HookChange): string => {
  if (before === after) return act === 'install' ? 'was installed already' : 'was not installed';
  if (act === 'install') return 'installed';
  return after === undefined ? 'uninstalled; the file held nothing else and is removed' : 'uninstalled';
};

const change = async (act: Act, name: string, flags: HooksFlags, terminal: Terminal): Promise<void> => {
  const parts = await load();
  const agent = parts.installAgentOf(name);
  if (agent === undefined) {
    throw new NikaError('NIKA_CLI_USAGE', `nika has no hooks for "${name}"`, {
      subject: name,
      remedy: `It knows: ${parts.INSTALL_AGENTS.join(', ')}.`,
    });
  }
  const home = await homeOf(flags, terminal);
  const installation = parts.INSTALLATIONS[agent];
  const file = parts.installedFile(installation, parseScope(flags.scope, parts.INSTALL_SCOPES), terminal);
  const plan = act === 'install' ? parts.planInstall : parts.planUninstall;
  const planned = plan(installation, file, home);
  if (flags.dryRun !== true) parts[act](planned, home);
  const isChanged = planned.before !== planned.after;
  if (flags.json === true) {
    terminal.print(
      `${JSON.stringify({ agent, file, changed: isChanged, dry_run: flags.dryRun === true, home: home.dir })}\n`,
    );
    return;
  }
  if (flags.dryRun === true) {
    terminal.print(isChanged ? await diffOf(planned, terminal) : `nothing would change in ${file}\n`);
    return;
  }
  terminal.print(`${installation.name}: ${told(act, planned)}: ${file}\n`);
  if (act === 'uninstall' || !isChanged) return;
  if (installation.hint !== undefined) terminal.print(`${terminal.paint('yellow', '!')} ${installation.hint}\n`);
  terminal.print(`Its sessions are pods of ${home.dir}: nika pod ls --home ${home.dir}\n`);
};

const status = async (name: string | undefined, flags: HooksFlags, terminal: Terminal): Promise<void> => {
  const parts = await load();
  const agent = name === undefined ? undefined : parts.installAgentOf(name);
  if (name !== undefined && agent === undefined) {
    throw new NikaError('NIKA_CLI_USAGE', `nika has no hooks for "${name}"`, { subject: name });
  }
  const home = await homeOf(flags, terminal);
  const rows = parts.INSTALL_AGENTS.filter((one) => agent === undefined || one === agent).flatMap((one) =>
    parts.INSTALL_SCOPES.map((scope): InstallStatus & { agent: InstallAgent; scope: InstallScope } => {
      const installation = parts.INSTALLATIONS[one];
      const file = parts.installedFile(installation, scope, terminal);
      return { agent: one, scope, ...parts.installStatus(installation, file, home) };
    }),
  );
  if (flags.json === true) {
    terminal.print(`${JSON.stringify({ home: home.dir, agents: rows })}\n`);
    return;
  }
  const cells = rows.map(({ agent: one, scope, state, file, why }) => [
    one,
    scope,
    state,
    why === undefined ? file : `${file}: ${printable(why)}`,
  ]);
  terminal.print(renderTable([['AGENT', 'SCOPE', 'HOOKS', 'FILE'], ...cells]));
  const { collectorPlace } = await import('../../agents/collector/collector-place.ts');
  const runs = existsSync(collectorPlace(home).socket);
  terminal.print(`\nCollector of ${home.dir}: ${runs ? 'runs' : 'does not run; the next hook starts it'}\n`);
};

const AGENTS = 'claude (claude-code), codex, gemini, opencode or cursor';

export const addHooksCommands = (program: Command, terminal: Terminal): void => {
  const hooks = program
    .command('hooks')
    .description('Registers nika with agents that it does not start, so that each of their sessions is a pod too.');
  const scope = [
    '--scope <scope>',
    'user: all your sessions; project: those in the folder you stand in',
    'user',
  ] as const;
  const home = ['--home <dir>', 'where sessions are recorded; default: NIKA_HOME, or your own state folder'] as const;
  const examples = `
Only what is nika's is added to the agent's file; everything else stays as it is. The hook ends with 0 and prints
nothing whatever happens: it neither steers nor delays the agent by more than a second.

Examples:
  $ nika hooks install claude --dry-run
  $ nika hooks install codex --scope project
  $ nika hooks status
  $ nika hooks uninstall claude`;
  for (const act of ['install', 'uninstall'] as const) {
    hooks
      .command(act)
      .description(act === 'install' ? "Adds nika's hooks to an agent's own settings." : 'Takes them out again.')
      .argument('<agent>', AGENTS)
      .option(...scope)
      .option('--dry-run', 'print the difference, change nothing')
      .option('--json', 'one JSON object: agent, file, changed')
      .option(...home)
      .addHelpText('after', examples)
      .action((name: string, flags: HooksFlags) => change(act, name, flags, terminal));
  }
  hooks
    .command('status')
    .description('Which agents tell nika of their sessions.')
    .argument('[agent]', AGENTS)
    .option('--json', 'one JSON object: home, agents')
    .option(...home)
    .addHelpText('after', '\nExamples:\n  $ nika hooks status\n  $ nika hooks status claude --json')
    .action((name: string | undefined, flags: HooksFlags) => status(name, flags, terminal));
  program
    .command('hook')
    .description(
      'What an agent runs as its hook: takes the payload from standard input. Always ends with 0, prints nothing.',
    )
    .argument('<agent>', 'which agent calls; one that nika does not know is taken by the name it is given')
    .option(...home)
    .addHelpText(
      'after',
      `
"nika hooks install" registers a hook that needs no node. This is for agents that it does not know, and that speak the
form of Claude Code's hooks.

Examples:
  $ echo '{"hook_event_name":"Stop","session_id":"x"}' | nika hook my-agent`,
    )
    .action(async (agent: string, flags: Pick<HooksFlags, 'home'>) => {
      const { runHook } = await import('../../agents/install/run-hook.ts');
      await runHook(agent, await homeOf(flags, terminal));
    });
};
