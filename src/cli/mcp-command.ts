/** Owns `nika mcp`. */
import type { Command } from 'commander';
import { interruption } from './ending.ts';
import type { Terminal } from './terminal.ts';

interface McpFlags {
  readonly home?: string;
}

/** What still holds the process when the client is gone gets so long. */
const LEAVE_WITHIN_MS = 3_000;

const serve = async ({ home }: McpFlags, terminal: Terminal): Promise<void> => {
  const { stdin } = process;
  if (stdin.isTTY) {
    terminal.warn('nika mcp speaks the Model Context Protocol with an agent, which starts it; see nika mcp --help.');
  }
  const { serveMcp } = await import('../mcp/serve.ts');
  const { stdout, env, cwd, warn } = terminal;
  interruption().addEventListener('abort', () => stdin.destroy(), { once: true });
  await serveMcp({ stdin, stdout, env, cwd, warn, homeFlag: home });
  setTimeout(() => process.exit(), LEAVE_WITHIN_MS).unref(); // whatever hangs: an agent that has ended leaves nothing
};

export const addMcpCommand = (program: Command, terminal: Terminal): void => {
  program
    .command('mcp')
    .description('Gives an agent the tools of nika: an MCP server on standard input and output.')
    .option('--home <dir>', 'the home: config/, _bus/, logs/, run/')
    .addHelpText(
      'after',
      `
An agent that nika started in a pod has it already. The tools: start jobs as pods below its own, wait for them, get their
results, send to them, stop them; see the fleet and the jobs; claim paths before changing shared files; write notes. What
an agent may do is limited by "mcp" in config/nika.yaml. Everything that it starts outlives it.

Adding it to an agent that you start yourself:
  $ claude mcp add nika -- nika mcp
  $ codex mcp add nika -- nika mcp
  $ gemini mcp add nika nika mcp
  opencode, in opencode.json:
    { "mcp": { "nika": { "type": "local", "command": ["nika", "mcp"] } } }

Codex and Gemini start it without most of your environment. What pods need of it (provider keys) is named in their
configuration: env_vars = ["OPENAI_API_KEY"] under [mcp_servers.nika] of ~/.codex/config.toml, and
"env": { "GEMINI_API_KEY": "$GEMINI_API_KEY" } in Gemini's settings.json.`,
    )
    .action((flags: McpFlags) => serve(flags, terminal));
};
