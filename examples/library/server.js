import express from 'express';
import { books } from './books.js';

const app = express();
app.set('view engine', 'pug');
app.set('views', 'views');
app.use(express.static('public'));
app.use(express.urlencoded({ extended: true }));

app.locals.site = 'Village library';

app.get('/', (req, res) => {
  res.render('index', { books });
});

app.get('/books', (req, res) => res.redirect(301, '/'));

app.get('/books/:id', (req, res) => {
  const book = books.find(({ id }) => id === req.params.id);
  if (!book) {
    res.status(404).render('missing');
    return;
  }
  res.render('book', { book });
});

app
  .route('/suggest')
  .get((req, res) => {
    res.render('suggest', { form: {}, problems: [] });
  })
  .post((req, res) => {
    const { title = '', author = '' } = req.body;
    const problems = [];
    if (title.trim() === '') problems.push('The title is missing.');
    if (author.trim() === '') problems.push('The author is missing.');
    if (books.some((book) => book.title === title.trim())) problems.push('We have that book already.');
    if (problems.length) return res.render('suggest', { form: req.body, problems });
    res.render('suggested', { title });
  });

app.get('/hours', (req, res) => {
  res.render('hours', { today: new Date().toLocaleDateString('en', { weekday: 'long' }) });
});

app.use((req, res) => res.status(404).render('missing'));

app.listen(process.env.PORT || 3000);
