/** Where a command prints: lines without their line feed. */
export interface Output {
  /** What was asked for: standard output. */
  print(text: string): void;
  /** What a person must know: standard error. */
  warn(text: string): void;
  /** A person looks on: say also that all is well. */
  isTerminal: boolean;
}
