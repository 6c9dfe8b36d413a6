const express = require('express');

const router = express.Router();
const topics = ['An order', 'A product', 'Something else'];

router.get('/', (req, res) => {
  res.render('contact', { title: 'Contact us', topics, values: {}, errors: {} });
});

router.post('/', (req, res) => {
  const { name, email, topic, message } = req.body;
  const errors = {};
  if (!name.trim()) errors.name = 'Please enter your name.';
  if (!/^[^@\s]+@[^@\s]+$/.test(email)) errors.email = 'Please enter an email address we can answer to.';
  if (message.trim().length < 10) errors.message = 'Please write at least ten characters.';
  if (Object.keys(errors).length > 0) {
    return res.status(422).render('contact', { title: 'Contact us', topics, values: { name, email, topic, message }, errors });
  }
  res.redirect('/contact/thanks');
});

router.get('/thanks', (req, res) => {
  res.render('thanks', { title: 'Message sent' });
});

module.exports = router;
