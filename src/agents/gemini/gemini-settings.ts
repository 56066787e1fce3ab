/**
 * Owns the settings that Gemini CLI is given for one run: command hooks to the pod, as system settings, which stand before
 * those of the user and of the project, so that these cannot switch hooks off. Theirs are read as ever, and so is a
 * system's own file, into which ours are put.
 */
import { readFileSync, realpathSync, statSync, writeFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { getHeapStatistics } from 'node:v8';
import { bestEffortSync } from '../../failopen/best-effort.ts';
import type { McpServerCommand } from '../../mcp/server-command.ts';
import type { AgentWish, HookPlace } from '../adapter.ts';
import { loopbackOf, shellWord, writeShellHook } from '../endpoint/shell-hook.ts';
import { type Fields, fieldsOf, listOf } from '../read-fields.ts';
import { readJsonc } from '../read-jsonc.ts';

/** Before a call: a policy may ask a person, and the call waits as long as that takes. */
const ASKING_TIMEOUT_S = 24 * 3_600;
const TIMEOUT_S = 1;
/** After which Gemini CLI ends the hook, which by then has left its payload as a file. */
const GRACE_MS = 1_500;

/** `PreCompress` comes at every turn, and `SessionEnd` tells nothing that the end of the process does not. */
const EVENTS = ['SessionStart', 'BeforeAgent', 'BeforeTool', 'AfterTool', 'AfterAgent', 'Notification'] as const;

const SYSTEM_SETTINGS = '/etc/gemini-cli/settings.json';
const SETTINGS_PATH = 'GEMINI_CLI_SYSTEM_SETTINGS_PATH';
const DEFAULTS_PATH = 'GEMINI_CLI_SYSTEM_DEFAULTS_PATH';
const MIB = 1024 * 1024;

/**
 * Gemini CLI takes system settings only from files that belong to root, in folders that do. These are its user's own, made
 * by who starts it, in a folder that nobody else may enter: to that one check they look as it wants them. `options`: what
 * NODE_OPTIONS held before; what Gemini CLI starts gets that.
 */
const preloadText = (path: string, options: string | undefined): string => `'use strict';
// Made by nika for this run alone: Gemini CLI takes the settings of the run for those of the system.
try {
  const fs = require('node:fs');
  const { dirname } = require('node:path');
  const own = new Set();
  for (let at = ${JSON.stringify(path)}; !own.has(at); at = dirname(at)) own.add(at);
  const { statSync } = fs;
  fs.statSync = (path, ...rest) => {
    const stats = statSync(path, ...rest);
    if (stats !== undefined && own.has(String(path))) Object.assign(stats, { uid: 0, mode: stats.mode & ~0o022 });
    return stats;
  };
  require('node:module').syncBuiltinESMExports();
} catch {
  // Then the settings are not taken, and the pod sees that no hook comes.
}
// The process that only starts the other one hands this on.
if (process.env.GEMINI_CLI_NO_RELAUNCH) ${options === undefined ? 'delete process.env.NODE_OPTIONS' : `process.env.NODE_OPTIONS = ${JSON.stringify(options)}`};
`;

/** As Gemini CLI would have it: it is root's, and nobody else may write there. */
const isOfRoot = (path: string): boolean =>
  bestEffortSync('gemini.settings', () => {
    for (let at = realpathSync(path); ; at = dirname(at)) {
      const { uid, mode } = statSync(at);
      if (uid !== 0 || (mode & 0o022) !== 0) return false;
      if (at === dirname(at)) return true;
    }
  }) === true;

const tryRead = (path: string): string | undefined => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined; // nearly no system has one
  }
};

/** What the system has; `undefined`: no settings, such as Gemini CLI would not start with. */
const systemSettings = (path: string): Fields | undefined => {
  const text = tryRead(path);
  if (text === undefined || !isOfRoot(path)) return {};
  const value = readJsonc(text);
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;
};

/** The hook without a name: settings switch hooks off by name, or by the command, which nobody knows before. */
const hookOf = (event: string, script: string, { mayAsk }: HookPlace): Fields => {
  const timeoutS = event === 'BeforeTool' && mayAsk ? ASKING_TIMEOUT_S : TIMEOUT_S;
  const command = `${shellWord(script)} ${event} ${timeoutS}`;
  return { hooks: [{ type: 'command', command, timeout: timeoutS * 1_000 + GRACE_MS }] };
};

/** It gives a server nothing that is named like a key; of what is named here it puts the values in. */
const mcpServer = ({ command, args, env, inherit }: McpServerCommand) => {
  const names = inherit.filter((name) => /^\w+$/.test(name) && name !== 'NODE_OPTIONS');
  const inherited = Object.fromEntries(names.map((name) => [name, `$${name}`]));
  return { command, args, env: { ...inherited, ...env }, trust: true };
};

export interface GeminiSettings {
  readonly env: Readonly<Record<string, string>>;
  readonly degraded?: string;
}

/** Gemini CLI would start itself anew with more memory; here it does not. */
const memoryOptions = (isHeadless: boolean): readonly string[] => {
  const halfMiB = Math.floor(totalmem() / MIB / 2);
  const isMore = halfMiB > getHeapStatistics().heap_size_limit / MIB;
  return isHeadless && isMore ? [`--max-old-space-size=${halfMiB}`] : [];
};

const nodeOptions = (preload: string, wish: AgentWish): string => {
  const given = wish.env['NODE_OPTIONS'] ?? '';
  const path = preload.replaceAll(/["\\]/g, String.raw`\$&`);
  const words = [given, `--require "${path}"`, ...memoryOptions(wish.prompt !== undefined)];
  return words.filter((word) => word !== '').join(' ');
};

/** Writes them; what Gemini CLI's environment needs for it. @throws a system error */
export const writeGeminiSettings = (wish: AgentWish, place: HookPlace): GeminiSettings => {
  const { env, maxTurns } = wish;
  const system = env[SETTINGS_PATH] ?? SYSTEM_SETTINGS;
  const theirs = systemSettings(system);
  // Gemini CLI says itself what is wrong with it.
  if (theirs === undefined) return { env: {}, degraded: `${system} holds no settings: no hooks are added to it` };
  const { dir, socket, spool } = place;
  const loopback = loopbackOf(place, wish);
  const script = writeShellHook({
    dir,
    socket,
    spool,
    timeoutS: TIMEOUT_S,
    nothing: '{}',
    unless: 'GEMINI_CLI',
    loopback,
  });
  const hooks = fieldsOf(theirs['hooks']);
  const settings = {
    ...theirs,
    hooksConfig: { enabled: true, ...fieldsOf(theirs['hooksConfig']) },
    hooks: {
      ...hooks,
      ...Object.fromEntries(EVENTS.map((event) => [event, [...listOf(hooks[event]), hookOf(event, script, place)]])),
    },
    ...(place.mcp === undefined
      ? {}
      : { mcpServers: { ...fieldsOf(theirs['mcpServers']), nika: mcpServer(place.mcp) } }),
    ...(maxTurns === undefined ? {} : { model: { ...fieldsOf(theirs['model']), maxSessionTurns: maxTurns } }),
  };
  const path = join(dir, 'gemini-settings.json');
  writeFileSync(path, JSON.stringify(settings), { mode: 0o600 });
  const preload = join(dir, 'gemini-preload.cjs');
  writeFileSync(preload, preloadText(path, env['NODE_OPTIONS']), { mode: 0o600 });
  return {
    env: {
      [SETTINGS_PATH]: path,
      [DEFAULTS_PATH]: env[DEFAULTS_PATH] ?? join(dirname(system), 'system-defaults.json'),
      NODE_OPTIONS: nodeOptions(preload, wish),
      // Set for what the agent runs: another Gemini CLI among that is not this run, and its hooks tell nothing here.
      GEMINI_CLI: '',
    },
    ...(settings.hooksConfig.enabled ? {} : { degraded: `${system} switches hooks off: no policy holds` }),
  };
};
