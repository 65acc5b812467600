// The package in a page, without a bundler.
import { program } from './program.js';
import { answer } from './answer.js';

await answer(program);
