const express = require('express');
const users = require('../data/users');

const router = express.Router();

function requireUser(req, res, next) {
  if (!req.session.user) return res.redirect('/account/login');
  next();
}

router.get('/', requireUser, (req, res) => {
  res.render('account/index', { title: 'Your account' });
});

router.get('/orders', requireUser, (req, res) => {
  res.render('account/orders', { title: 'Your orders', orders: [] });
});

router.get('/login', (req, res) => {
  res.render('account/login', { title: 'Sign in', email: '', error: null });
});

router.post('/login', (req, res) => {
  const { email, password } = req.body;
  const user = users.find(email);
  if (!user || user.password !== password) {
    return res.status(401).render('account/login', { title: 'Sign in', email, error: 'That email and password do not match.' });
  }
  req.session.user = { name: user.name, email: user.email };
  res.redirect('/account');
});

router.get('/signup', (req, res) => {
  res.render('account/signup', { title: 'Create an account', values: {}, errors: {} });
});

router.post('/signup', (req, res) => {
  const { name, email, password } = req.body;
  const errors = {};
  if (!name || name.trim().length < 2) errors.name = 'Tell us your name.';
  if (users.find(email)) errors.email = 'There is an account with this email already.';
  if (!password || password.length < 8) errors.password = 'Use at least eight characters.';
  if (Object.keys(errors).length > 0) {
    return res.status(422).render('account/signup', { title: 'Create an account', values: { name, email }, errors });
  }
  users.add({ name, email, password });
  req.session.user = { name, email };
  res.redirect('/account');
});

router.post('/logout', (req, res) => {
  req.session.destroy(() => res.redirect('/'));
});

module.exports = router;
