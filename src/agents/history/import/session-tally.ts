/** Owns what an imported session adds up to: calls, usage, how its last turn ended. */
import { UsageTotals } from '../../../model/usage.ts';
import type { Told, ToldCall, ToldTurn } from '../told.ts';

const MAX_TOOL_NAMES = 200;

export class SessionTally {
  calls = 0;
  errors = 0;
  turns = 0;
  readonly byTool = new Map<string, number>();
  readonly usage = new UsageTotals();
  /** Of the last that was told. */
  lastMs: number;
  lastTurn: ToldTurn['turn'] | undefined;

  constructor(startedAtMs: number) {
    this.lastMs = startedAtMs;
  }

  add(told: Told): void {
    this.lastMs = Math.max(this.lastMs, told.atMs);
    if (told.kind === 'call') this.#addCall(told);
    else if (told.kind === 'usage') this.usage.add(told.usage);
    else if (told.kind === 'turn') {
      this.turns += 1;
      this.lastTurn = told.turn;
    }
  }

  #addCall({ tool, result }: ToldCall): void {
    this.calls += 1;
    if (!result.ok) this.errors += 1;
    const name = this.byTool.has(tool) || this.byTool.size < MAX_TOOL_NAMES ? tool : '(other)';
    this.byTool.set(name, (this.byTool.get(name) ?? 0) + 1);
  }
}
