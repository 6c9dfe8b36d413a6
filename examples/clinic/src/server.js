import { join } from 'node:path';
import express from 'express';
import { engine } from 'express-handlebars';
import { pages } from './pages.js';
import { appointments } from './appointments.js';

const root = join(import.meta.dirname, '..');
const app = express();

app.engine('hbs', engine({
  extname: '.hbs',
  defaultLayout: 'main',
  layoutsDir: join(root, 'views/layouts'),
  partialsDir: join(root, 'views/partials'),
  helpers: {
    upper: (text) => text.toUpperCase(),
    is: (a, b) => a === b,
  },
}));
app.set('view engine', 'hbs');
app.set('views', join(root, 'views'));

app.use(express.static(join(root, 'public')));
app.use(express.urlencoded());
app.use(pages);
app.use('/appointments', appointments);

app.listen(process.env.PORT ?? 3000);
