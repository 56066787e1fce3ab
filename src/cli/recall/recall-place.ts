/** Owns what `nika memory …` begins with: the home, its bus, and who is asked. */
import type { MemoryAsk, MemoryAnswer } from '../../memory/ask.ts';
import type { Settings } from '../../config/settings.ts';
import type { OpenedBus } from '../bus/open-bus.ts';
import { printable } from '../format.ts';
import { asCalled } from '../hint/called-as.ts';
import type { Progress } from '../progress.ts';
import type { Terminal } from '../terminal.ts';

export interface RecallPlace extends AsyncDisposable {
  readonly bus: OpenedBus;
  readonly settings: Settings;
  readonly ask: MemoryAsk;
  readonly progress: Progress;
}

/** @throws {NikaError} what is wrong with the home or its settings */
export const openRecall = async (homeFlag: string | undefined, terminal: Terminal): Promise<RecallPlace> => {
  const [{ openBus }, { loadSettings }, { openMemoryAsk }, { startProgress }, { keepMemorySmall }] = await Promise.all([
    import('../bus/open-bus.ts'),
    import('../../config/settings.ts'),
    import('../../pod/remember/open-memory-ask.ts'),
    import('../progress.ts'),
    import('../bus/small-memory.ts'),
  ]);
  keepMemorySmall();
  const bus = openBus(homeFlag, terminal);
  const { env } = terminal;
  const settings = loadSettings(bus.home, env);
  const progress = startProgress(terminal, 'reading the bus');
  const onRead = (readBytes: number, totalBytes: number): void => progress.onProgress({ readBytes, totalBytes });
  const ask = openMemoryAsk({ home: bus.home, settings, env, onRead });
  return {
    bus,
    settings,
    ask,
    progress,
    [Symbol.asyncDispose]: async () => {
      progress.clear();
      await ask[Symbol.asyncDispose]();
    },
  };
};

/** A3 of `ask.ts`: on standard error, so that it is in no pipe's way. */
export const tellSource = ({ source, why }: MemoryAnswer<unknown>, terminal: Terminal): void => {
  if (source === 'bus')
    terminal.warn(terminal.paint('dim', asCalled(terminal, `from the bus of this home: ${printable(why ?? '')}`)));
};

export const sourceJson = ({ source, why }: MemoryAnswer<unknown>) => ({ source, why: why ?? null });
