declare module 'nunjucks/browser/nunjucks-slim.js' {
  import type { Environment as FullEnvironment } from 'nunjucks';

  export type Environment = FullEnvironment;
  const nunjucks: {
    Environment: typeof FullEnvironment;
    PrecompiledLoader: new (templates: Record<string, object>) => import('nunjucks').ILoader;
    runtime: { SafeString: new (text: string) => string };
  };
  export default nunjucks;
}
