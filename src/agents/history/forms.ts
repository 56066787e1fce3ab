/** Owns whose histories can be imported, by the name on the command line. Each is loaded only where it is wanted. */
import type { HistoryForm } from './told.ts';

const LOADERS = {
  claude: async () => (await import('./claude/claude-history.ts')).claudeHistory,
  codex: async () => (await import('./codex/codex-history.ts')).codexHistory,
  opencode: async () => (await import('./opencode/opencode-history.ts')).opencodeHistory,
  gemini: async () => (await import('./gemini/gemini-history.ts')).geminiHistory,
} as const;

export type HistoryLabel = keyof typeof LOADERS;

export const HISTORY_LABELS = Object.keys(LOADERS) as readonly HistoryLabel[];

export const isHistoryLabel = (text: string): text is HistoryLabel => Object.hasOwn(LOADERS, text);

export const loadHistoryForm = (label: HistoryLabel): Promise<HistoryForm> => LOADERS[label]();
