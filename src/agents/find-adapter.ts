/** Owns which adapter belongs to which agent; each is loaded where its agent is run. */
import type { AgentKind } from '../model/agent.ts';
import type { AgentAdapter } from './adapter.ts';

export const loadAdapter = async (kind: AgentKind): Promise<AgentAdapter> => {
  switch (kind) {
    case 'claude-code':
      return (await import('./claude/claude-adapter.ts')).claudeAdapter;
    case 'opencode':
      return (await import('./opencode/opencode-adapter.ts')).opencodeAdapter;
    case 'gemini':
      return (await import('./gemini/gemini-adapter.ts')).geminiAdapter;
    case 'codex':
      return (await import('./codex/codex-adapter.ts')).codexAdapter;
  }
};
