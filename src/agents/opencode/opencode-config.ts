/**
 * Owns what opencode is told for one run: nika's plugin, by a variable that stands behind the files of the user and of
 * the project. These are read as ever, their plugins run as ever, and none of them can take the plugin away: lists of
 * plugins are put together.
 */
import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { McpServerCommand } from '../../mcp/server-command.ts';
import type { Permission } from '../../model/agent.ts';
import type { AgentWish, HookPlace } from '../adapter.ts';
import { readJsonc } from '../read-jsonc.ts';
import { fieldsOf, listOf } from '../read-fields.ts';

/** Before a call: a policy may ask a person, and the call waits as long as that takes. */
const ASKING_TIMEOUT_MS = 24 * 3_600_000;
const TIMEOUT_MS = 1_000;

/** The plugin first. In the package it is built to one file of its own, as the workers are. */
export const PLUGIN_FILES: readonly [string, ...string[]] = import.meta.url.endsWith('.ts')
  ? ['opencode-plugin.ts', 'opencode-limits.ts']
  : ['opencode-plugin.js'];

/**
 * Before it loads a plugin opencode has npm install a library into the folders of its configuration, and waits: without a
 * network 70 s. npm tries as often as ever, but soon again.
 */
const SOON_AGAIN = { npm_config_fetch_retry_mintimeout: '50', npm_config_fetch_retry_maxtimeout: '500' } as const;

/** Of the command line that is given to opencode. */
const agentIn = (args: readonly string[]): string | undefined => {
  const at = args.indexOf('--agent');
  return at === -1 ? args.find((arg) => arg.startsWith('--agent='))?.slice('--agent='.length) : args[at + 1];
};

/** `full` and `ask` are no rules: opencode has an option for the one, and the other is as it is. */
const isRestricted = (permission: Permission): boolean => permission === 'read' || permission === 'edit';

/** Puts the plugin and what it needs to know into the folder of the run; its URL. */
const writePlugin = (wish: AgentWish, place: HookPlace, unset: readonly string[], theirs: string): string => {
  for (const name of PLUGIN_FILES) {
    copyFileSync(fileURLToPath(new URL(`./${name}`, import.meta.url)), join(place.dir, name));
  }
  const { url, token, socket, mayAsk } = place;
  const agent = agentIn(wish.args);
  const told = {
    url,
    token,
    socket,
    askMs: mayAsk ? ASKING_TIMEOUT_MS : TIMEOUT_MS,
    tellMs: TIMEOUT_MS,
    ...(isRestricted(wish.permission) ? { permission: wish.permission } : {}),
    // Where nobody is there to ask, opencode ends the run at a question; at what is denied it goes on.
    otherwise: wish.prompt === undefined ? 'ask' : 'deny',
    ...(wish.maxTurns === undefined ? {} : { maxTurns: wish.maxTurns }),
    ...(agent === undefined ? {} : { agent }),
    unset,
    // An opencode that the agent calls is not this run.
    shellEnv: { OPENCODE_CONFIG_CONTENT: theirs },
  };
  writeFileSync(join(place.dir, 'place.json'), JSON.stringify(told), { mode: 0o600 });
  return pathToFileURL(join(place.dir, PLUGIN_FILES[0])).href;
};

/** opencode passes its environment on besides. */
const mcpServer = ({ command, args, env }: McpServerCommand) => ({
  type: 'local',
  command: [command, ...args],
  environment: env,
});

export interface OpencodeConfig {
  readonly env: Readonly<Record<string, string>>;
  readonly degraded?: string;
}

/** Where nothing loads the plugin, which else sees to it. */
const strictly = (permission: Permission): Readonly<Record<string, string>> => {
  if (!isRestricted(permission)) return {};
  const edit = permission === 'edit' ? 'allow' : 'deny';
  return {
    OPENCODE_PERMISSION: JSON.stringify({
      '*': 'deny',
      edit,
      bash: 'deny',
      read: 'allow',
      glob: 'allow',
      grep: 'allow',
    }),
  };
};

const isPure = ({ args, env }: AgentWish): boolean =>
  args.includes('--pure') || /^(1|true|yes|on)$/i.test(env['OPENCODE_PURE'] ?? '');

/** Writes the plugin; what opencode's environment needs for it. @throws a system error */
export const writeOpencodeConfig = (wish: AgentWish, place: HookPlace): OpencodeConfig => {
  if (isPure(wish)) {
    return {
      env: strictly(wish.permission),
      degraded: 'opencode loads no plugins (--pure): calls are recorded from its output alone, and no policy holds',
    };
  }
  const soon = Object.entries(SOON_AGAIN).filter(([name]) => wish.env[name] === undefined);
  const theirs = wish.env['OPENCODE_CONFIG_CONTENT'] ?? '';
  const given = theirs.trim() === '' ? {} : readJsonc(theirs);
  // What cannot be read stays as it is: opencode says what is wrong with it.
  if (given === undefined)
    return { env: {}, degraded: 'OPENCODE_CONFIG_CONTENT holds no JSON: the plugin is not loaded' };
  const unset = soon.map(([name]) => name);
  const plugin = writePlugin(wish, place, unset, theirs);
  const { plugin: plugins, mcp, ...rest } = fieldsOf(given);
  const tools = place.mcp === undefined ? mcp : { ...fieldsOf(mcp), nika: mcpServer(place.mcp) };
  const content = { ...rest, ...(tools === undefined ? {} : { mcp: tools }), plugin: [...listOf(plugins), plugin] };
  return { env: { ...Object.fromEntries(soon), OPENCODE_CONFIG_CONTENT: JSON.stringify(content) } };
};
