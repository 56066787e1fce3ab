/** Preloaded into a program: at SIGUSR2 its wall clock jumps by so many milliseconds as CLOCK_JUMP_MS says. */
const RealDate = Date;
let jumpMs = 0;

class JumpingDate extends RealDate {
  constructor(...args: readonly unknown[]) {
    super(...((args.length === 0 ? [JumpingDate.now()] : args) as []));
  }

  static override now(): number {
    return RealDate.now() + jumpMs;
  }
}

globalThis.Date = JumpingDate as DateConstructor;
process.on('SIGUSR2', () => {
  jumpMs = Number(process.env['CLOCK_JUMP_MS']);
});
