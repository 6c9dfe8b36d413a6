declare module 'pug-parser' {
  import type { Token } from 'pug-lexer';
  export default function parse(tokens: Token[], options: { filename: string; src: string }): import('./pug-syntax.js').PugBlock;
}
