const path = require('node:path');
const express = require('express');
const session = require('express-session');

const catalogue = require('./routes/catalogue');
const cart = require('./routes/cart');
const account = require('./routes/account');
const contact = require('./routes/contact');

const app = express();

app.set('view engine', 'ejs');
app.set('views', path.join(__dirname, 'views'));

app.use(express.static(path.join(__dirname, 'public')));
app.use(express.urlencoded({ extended: false }));
app.use(session({
  secret: process.env.SESSION_SECRET || 'only for development',
  resave: false,
  saveUninitialized: false,
}));

app.use((req, res, next) => {
  res.locals.user = req.session.user;
  res.locals.cartCount = (req.session.cart || []).reduce((sum, line) => sum + line.quantity, 0);
  res.locals.banner = process.env.SHOP_BANNER;
  res.locals.openNow = new Date().getHours() >= 9 && new Date().getHours() < 17;
  res.locals.year = new Date().getFullYear();
  next();
});

app.use('/', catalogue);
app.use('/cart', cart);
app.use('/account', account);
app.use('/contact', contact);

app.use((req, res) => {
  res.status(404).render('not-found', { title: 'Page not found' });
});

app.use((err, req, res, next) => {
  console.error(err);
  res.status(500).render('error', { title: 'Something went wrong' });
});

const port = process.env.PORT || 3000;
app.listen(port, () => console.log(`Harbour Supply on http://localhost:${port}`));
