/**
 * A range of the monitoring plug-in guidelines: a value outside of it (inside, when `inverted`) breaks the threshold.
 * `10` is 0..10, `10:` is 10..inf, `~:10` is -inf..10, `10:20`, and `@10:20` alerts inside. `null` is infinity, so that a range is JSON.
 * https://www.monitoring-plugins.org/doc/guidelines.html, "Threshold and Ranges"
 */
export interface Range {
  min: number | null;
  max: number | null;
  inverted: boolean;
}
