/** Owns how an agent is to be told of `nika mcp`: what starts it, and in which environment. Loads nothing. */
import { join } from 'node:path';
import { packageRoot } from '../config/package-root.ts';

export interface McpServerCommand {
  /** Absolute: this very Node, whatever is on the PATH of the agent. */
  readonly command: string;
  readonly args: readonly string[];
  /** No secrets: it may stand in a file or in arguments. */
  readonly env: Readonly<Record<string, string>>;
  /**
   * Names of all others of the pod's environment, which a pod that the agent starts is to have as well: provider keys,
   * proxies. An agent that filters (Codex, Gemini) is given the names, never the values: `env_vars` of Codex,
   * `"NAME": "$NAME"` of Gemini. Claude Code and opencode pass everything on.
   */
  readonly inherit: readonly string[];
}

/** What places the server in its pod. */
const PLACE = ['NIKA_HOME', 'NIKA_ENTITY_ID', 'NIKA_SESSION_ID', 'NIKA_SOCKET', 'NIKA_TREE', 'TRACEPARENT'] as const;

/** `env`: that of the pod, as what runs in it has it. */
export const mcpServerCommand = (env: Readonly<Record<string, string | undefined>>): McpServerCommand => {
  const place = PLACE.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]] as const]));
  const isOther = (name: string): boolean => !PLACE.some((placed) => placed === name) && env[name] !== undefined;
  return {
    command: process.execPath,
    args: [join(packageRoot(), 'bin', 'nika.cjs'), 'mcp'],
    env: Object.fromEntries(place),
    inherit: Object.keys(env).filter(isOther),
  };
};
